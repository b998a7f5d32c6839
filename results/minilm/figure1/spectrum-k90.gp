# Draws spectrum-k90.svg and spectrum-k90.pdf out of spectrum-k90.dat: gnuplot spectrum-k90.gp
set encoding utf8
do for [format in 'svg pdf'] {
reset
set datafile missing '?'
small = format eq 'svg' ? ',7' : ',6'
if (format eq 'svg') { set terminal svg noenhanced size 312,230 font 'Helvetica,8.5' linewidth 1.333 background 'white' }
if (format eq 'pdf') { set terminal pdfcairo noenhanced size 3.25in,2.4in font 'Helvetica,7.5' }
set output 'spectrum-k90.'.format
set border lw 0.6
set tics nomirror scale 0.5
set key samplen 2 spacing 1 noautotitle Left reverse
set title 'Not the paper''s model: bert, 6 x 12 heads, n = 512, 100 sequences' font small offset 0,-0.5
set xlabel 'layer' offset 0,0.3
set ylabel 'k that holds 90 % of Σσ' offset 0.7,0
set key top right maxrows 3
set xtics 1
set yrange [0:*<512]
set offsets 0, 0, graph 0.25, 0
set xrange [-0.5:5.5]
plot 'spectrum-k90.dat' index 0 using 1:2 with linespoints lc rgb '#000000' dt 1 lw 1.4 pt 7 ps 0.45 title 'median', \
     'spectrum-k90.dat' index 0 using 1:3 with linespoints lc rgb '#0072b2' dt 2 lw 1.4 pt 5 ps 0.45 title 'p95', \
     'spectrum-k90.dat' index 0 using 1:4 with points lc rgb '#56b4e9' dt 1 lw 1.4 pt 2 ps 0.7 title 'largest', \
     'spectrum-k90.dat' index 1 with linespoints lc rgb '#d55e00' dt 3 lw 1.4 pt 9 ps 0.45 title 'matched, median'
unset output
}
