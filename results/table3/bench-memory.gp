# Draws bench-memory.svg and bench-memory.pdf out of bench-memory.dat: gnuplot bench-memory.gp
set encoding utf8
do for [format in 'svg pdf'] {
reset
set datafile missing '?'
small = format eq 'svg' ? ',7' : ',6'
if (format eq 'svg') { set terminal svg noenhanced size 312,409 font 'Helvetica,8.5' linewidth 1.333 background 'white' }
if (format eq 'pdf') { set terminal pdfcairo noenhanced size 3.25in,4.26in font 'Helvetica,7.5' }
set output 'bench-memory.'.format
set border lw 0.6
set tics nomirror scale 0.5
set key samplen 2 spacing 1 noautotitle Left reverse
set title 'roberta-base, b = 1, h = 12, d = 64, L = 12, 2 threads; a CPU,'."\n".'not the paper''s V100' font small offset 0,-0.5
set xlabel 'sequence length n' offset 0,0.3
set ylabel 'MiB of tensors, workspace, parameters' offset 0.7,0
set logscale x 2
set logscale y 10
set key below left maxcols 1 height 0.3
set xrange [445.217:75366.4]
set yrange [536.801:319072]
plot 'bench-memory.dat' index 0 with linespoints lc rgb '#000000' dt 1 lw 1.4 pt 7 ps 0.45 title 'standard', \
     'bench-memory.dat' index 1 with linespoints lc rgb '#0072b2' dt 2 lw 1.4 pt 5 ps 0.45 title 'flash', \
     'bench-memory.dat' index 2 with linespoints lc rgb '#d55e00' dt 3 lw 1.4 pt 9 ps 0.45 title 'linformer k=128', \
     'bench-memory.dat' index 3 with linespoints lc rgb '#009e73' dt 4 lw 1.4 pt 11 ps 0.45 title 'linformer k=256', \
     'bench-memory.dat' index 4 with linespoints lc rgb '#cc79a7' dt 5 lw 1.4 pt 13 ps 0.45 title 'linformer k=512', \
     'bench-memory.dat' index 5 with linespoints lc rgb '#56b4e9' dt 1 lw 1.4 pt 4 ps 0.45 title 'linformer k=1024', \
     'bench-memory.dat' index 6 with linespoints lc rgb '#e69f00' dt 2 lw 1.4 pt 6 ps 0.45 title 'linformer k=2048'
unset output
}
