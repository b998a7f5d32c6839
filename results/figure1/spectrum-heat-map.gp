# Draws spectrum-heat-map.svg and spectrum-heat-map.pdf out of spectrum-heat-map.dat: gnuplot spectrum-heat-map.gp
set encoding utf8
do for [format in 'svg pdf'] {
reset
set datafile missing '?'
small = format eq 'svg' ? ',7' : ',6'
if (format eq 'svg') { set terminal svg noenhanced size 648,194 font 'Helvetica,8.5' linewidth 1.333 background 'white' }
if (format eq 'pdf') { set terminal pdfcairo noenhanced size 6.75in,2.02in font 'Helvetica,7.5' }
set output 'spectrum-heat-map.'.format
set border lw 0.6
set tics nomirror scale 0.5
set key samplen 2 spacing 1 noautotitle Left reverse
set multiplot layout 1,2 title 'Not the paper''s model: bert, 4 x 3 heads, n = 512, 18 sequences'
set xlabel 'head' offset 0,0.3
set ylabel 'layer' offset 0.7,0
set ylabel offset 0,0
set xrange [-0.5:2.5]
set yrange [3.5:-0.5]
set xtics ('0' 0, '1' 1, '2' 2)
set ytics ('0' 0, '1' 1, '2' 2, '3' 3)
set cbtics scale 0.5
set title 'share of Σσ in the first 128 of 512 singular values, %' offset 0,-0.5
set palette defined (0 '#00204c', 0.25 '#414d6b', 0.5 '#7c7b78', 0.75 '#bcaf6f', 1 '#ffea46')
set cbrange [25:85.00000000000001]
plot 'spectrum-heat-map.dat' index 0 using 2:3:(0.5):(0.5):4 with boxxyerror fillstyle solid 1 noborder lc palette, \
     'spectrum-heat-map.dat' index 0 using 2:3:1:5 with labels font small tc rgb variable
set title 'minus the matched control, points of %' offset 0,-0.5
set palette defined (0 '#b35806', 0.25 '#f1a340', 0.5 '#f7f7f7', 0.75 '#998ec3', 1 '#542788')
set cbrange [-35:35]
plot 'spectrum-heat-map.dat' index 1 using 2:3:(0.5):(0.5):4 with boxxyerror fillstyle solid 1 noborder lc palette, \
     'spectrum-heat-map.dat' index 1 using 2:3:1:5 with labels font small tc rgb variable
unset multiplot
unset output
}
