# Draws spectrum-scree.svg and spectrum-scree.pdf out of spectrum-scree.dat: gnuplot spectrum-scree.gp
set encoding utf8
do for [format in 'svg pdf'] {
reset
set datafile missing '?'
small = format eq 'svg' ? ',7' : ',6'
if (format eq 'svg') { set terminal svg noenhanced size 312,240 font 'Helvetica,8.5' linewidth 1.333 background 'white' }
if (format eq 'pdf') { set terminal pdfcairo noenhanced size 3.25in,2.5in font 'Helvetica,7.5' }
set output 'spectrum-scree.'.format
set border lw 0.6
set tics nomirror scale 0.5
set key samplen 2 spacing 1 noautotitle Left reverse
set title 'Not the paper''s model: bert, 6 x 12 heads, n = 512, 100 sequences' font small offset 0,-0.5
set xlabel 'index m of the singular value' offset 0,0.3
set ylabel 'share of Σσ in σ_m' offset 0.7,0
set key bottom left
set logscale xy
set format y '%.0e'
set xrange [1:512]
plot 'spectrum-scree.dat' index 0 with lines lc rgb '#00204c' lw 1.2 title 'layer 0', \
     'spectrum-scree.dat' index 1 with lines lc rgb '#2c4049' lw 1.2 notitle, \
     'spectrum-scree.dat' index 2 with lines lc rgb '#595f46' lw 1.2 notitle, \
     'spectrum-scree.dat' index 3 with lines lc rgb '#857f42' lw 1.2 notitle, \
     'spectrum-scree.dat' index 4 with lines lc rgb '#b29e3f' lw 1.2 notitle, \
     'spectrum-scree.dat' index 5 with lines lc rgb '#debe3c' lw 1.2 title 'layer 5', \
     'spectrum-scree.dat' index 6 with lines lc rgb '#d55e00' dt 3 lw 1.4 title 'matched'
unset output
}
