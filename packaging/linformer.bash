# SPDX-License-Identifier: MIT
# bash completion for linformer. Commands, options and their values come from the program's own --help, so they are
# those of the installed version.

_linformer_help() { "${COMP_WORDS[0]}" "$@" --help 2>/dev/null; }

_linformer_commands() {
  _linformer_help | awk 'tolower($0) ~ /^subcommands:/ { on = 1; next } /^[^ ]/ { on = 0 } on && /^  ?[a-z]/ { print $1 }'
}

_linformer_options() {
  _linformer_help "$@" | sed -nE 's/^ +((-[A-Za-z0-9],? *)?(--[a-z0-9-]+,? *)+).*/\1/p' | grep -oE -- '--[a-z0-9-]+'
}

# The choices of one option: "{a,b}" or "{a->1,b->2}" on its line of the help.
_linformer_values() {
  _linformer_help "$1" | sed -nE "s/^ +(-[A-Za-z0-9],? *)?$2[ ,:=][^{]*\{([^{}]+)\}.*/\2/p" | tr ',' '\n' | sed 's/->.*//'
}

_linformer() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word != -* ]]; then command=$word && break; fi
  done
  COMPREPLY=()
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_linformer_options ${command:+"$command"})" -- "$current")
  elif [[ -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_linformer_commands)" -- "$current")
  elif [[ $previous == --* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_linformer_values "$command" "$previous")" -- "$current")
  fi
}

# Where none of these fits, file names do.
complete -o default -F _linformer linformer
