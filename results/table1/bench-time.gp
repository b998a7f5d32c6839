# Draws bench-time.svg and bench-time.pdf out of bench-time.dat: gnuplot bench-time.gp
set encoding utf8
do for [format in 'svg pdf'] {
reset
set datafile missing '?'
small = format eq 'svg' ? ',7' : ',6'
if (format eq 'svg') { set terminal svg noenhanced size 312,360 font 'Helvetica,8.5' linewidth 1.333 background 'white' }
if (format eq 'pdf') { set terminal pdfcairo noenhanced size 3.25in,3.75in font 'Helvetica,7.5' }
set output 'bench-time.'.format
set border lw 0.6
set tics nomirror scale 0.5
set key samplen 2 spacing 1 noautotitle Left reverse
set title 'a layer of roberta-base, b = 1, h = 12, d = 64, L = 1, 2 threads; a CPU,'."\n".'not the paper''s V100' font small offset 0,-0.5
set xlabel 'sequence length n' offset 0,0.3
set ylabel 'ms' offset 0.7,0
set logscale x 2
set logscale y 10
set key below left maxcols 1 height 0.3
set xrange [445.217:18841.6]
set yrange [23.1024:3788.48]
plot 'bench-time.dat' index 0 with yerrorlines lc rgb '#000000' dt 1 lw 1.4 pt 7 ps 0.45 title 'standard, slope 1.49 (1.46..1.52)', \
     'bench-time.dat' index 1 with lines lc rgb '#b0b0b0' lw 0.6 notitle, \
     'bench-time.dat' index 2 with yerrorlines lc rgb '#0072b2' dt 2 lw 1.4 pt 5 ps 0.45 title 'flash, slope 1.28 (1.23..1.30)', \
     'bench-time.dat' index 3 with lines lc rgb '#b0b0b0' lw 0.6 notitle, \
     'bench-time.dat' index 4 with yerrorlines lc rgb '#d55e00' dt 3 lw 1.4 pt 9 ps 0.45 title 'linformer k=128, slope 0.92 (0.89..0.97)', \
     'bench-time.dat' index 5 with lines lc rgb '#b0b0b0' lw 0.6 notitle, \
     'bench-time.dat' index 6 with yerrorlines lc rgb '#009e73' dt 4 lw 1.4 pt 11 ps 0.45 title 'linformer k=256, slope 0.91 (0.84..0.93)', \
     'bench-time.dat' index 7 with lines lc rgb '#b0b0b0' lw 0.6 notitle, \
     'bench-time.dat' index 8 using 2:3 with points pt 6 ps 1.1 lw 1 lc rgb '#000000' title 'crossover with an exact one, at n', \
     'bench-time.dat' index 8 using 2:3:1 with labels font small offset 0,-0.9 notitle
unset output
}
