# Draws spectrum-layers.svg and spectrum-layers.pdf out of spectrum-layers.dat: gnuplot spectrum-layers.gp
set encoding utf8
do for [format in 'svg pdf'] {
reset
set datafile missing '?'
small = format eq 'svg' ? ',7' : ',6'
if (format eq 'svg') { set terminal svg noenhanced size 648,326 font 'Helvetica,8.5' linewidth 1.333 background 'white' }
if (format eq 'pdf') { set terminal pdfcairo noenhanced size 6.75in,3.4in font 'Helvetica,7.5' }
set output 'spectrum-layers.'.format
set border lw 0.6
set tics nomirror scale 0.5
set key samplen 2 spacing 1 noautotitle Left reverse
set multiplot layout 2,3 title 'Not the paper''s model: bert, 6 x 12 heads, n = 512, 100 sequences: cumulative share of Σσ against index m of the singular value'
set key bottom right
set yrange [0:1]
set xrange [0:512]
set xtics 256
set arrow from first 128, graph 0 to first 128, graph 1 nohead dt 3 lw 0.8 lc rgb '#7f7f7f'
set title 'layer 0' offset 0,-0.7
plot 'spectrum-layers.dat' index 0 with filledcurves lc rgb '#b8c4d6' title '5 to 95 %', \
     'spectrum-layers.dat' index 1 with lines lc rgb '#000000' dt 1 lw 1.4 title 'mean', \
     'spectrum-layers.dat' index 2 with lines lc rgb '#d55e00' dt 3 lw 1.4 title 'matched'
set title 'layer 1' offset 0,-0.7
plot 'spectrum-layers.dat' index 3 with filledcurves lc rgb '#b8c4d6' notitle, \
     'spectrum-layers.dat' index 4 with lines lc rgb '#000000' dt 1 lw 1.4 notitle, \
     'spectrum-layers.dat' index 5 with lines lc rgb '#d55e00' dt 3 lw 1.4 notitle
set title 'layer 2' offset 0,-0.7
plot 'spectrum-layers.dat' index 6 with filledcurves lc rgb '#b8c4d6' notitle, \
     'spectrum-layers.dat' index 7 with lines lc rgb '#000000' dt 1 lw 1.4 notitle, \
     'spectrum-layers.dat' index 8 with lines lc rgb '#d55e00' dt 3 lw 1.4 notitle
set title 'layer 3' offset 0,-0.7
plot 'spectrum-layers.dat' index 9 with filledcurves lc rgb '#b8c4d6' notitle, \
     'spectrum-layers.dat' index 10 with lines lc rgb '#000000' dt 1 lw 1.4 notitle, \
     'spectrum-layers.dat' index 11 with lines lc rgb '#d55e00' dt 3 lw 1.4 notitle
set title 'layer 4' offset 0,-0.7
plot 'spectrum-layers.dat' index 12 with filledcurves lc rgb '#b8c4d6' notitle, \
     'spectrum-layers.dat' index 13 with lines lc rgb '#000000' dt 1 lw 1.4 notitle, \
     'spectrum-layers.dat' index 14 with lines lc rgb '#d55e00' dt 3 lw 1.4 notitle
set title 'layer 5' offset 0,-0.7
plot 'spectrum-layers.dat' index 15 with filledcurves lc rgb '#b8c4d6' notitle, \
     'spectrum-layers.dat' index 16 with lines lc rgb '#000000' dt 1 lw 1.4 notitle, \
     'spectrum-layers.dat' index 17 with lines lc rgb '#d55e00' dt 3 lw 1.4 notitle
unset multiplot
unset output
}
