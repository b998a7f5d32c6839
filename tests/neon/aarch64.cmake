# SPDX-License-Identifier: MIT
# 64-bit ARM from another machine: Debian's cross-compiler, the libraries that packages.sh unpacked, and an emulator
# for what is built.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

get_filename_component(arm_root ${CMAKE_CURRENT_LIST_DIR}/../../build/neon-packages ABSOLUTE)
set(CMAKE_FIND_ROOT_PATH ${arm_root})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${arm_root}/usr/lib/aarch64-linux-gnu/pkgconfig:${arm_root}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${arm_root})
set(CMAKE_SKIP_RPATH ON)  # the emulator looks in these packages anyway
set(CMAKE_EXE_LINKER_FLAGS_INIT -Wl,-rpath-link,${arm_root}/usr/lib/aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L ${arm_root})
