// SPDX-License-Identifier: MIT
// Numbers as text. What is null in a report is a dash here; a line never breaks between a number and its unit.
const kNone = "–";

/// With so many decimals and a proper minus.
const fixed = (value, decimals) =>
  value === null || value === undefined ? kNone : value.toFixed(decimals).replace("-", "−");

/// With its sign.
const signed = (value, decimals) =>
  value === null || value === undefined ? kNone : (value < 0 ? "" : "+") + fixed(value, decimals);

/// To three significant digits, without powers of ten where they can be helped.
function significant(value, digits = 3) {
  if (value === null || value === undefined) return kNone;
  if (value === 0) return "0";
  const power = Number(value.toExponential(digits - 1).split("e")[1]);
  if (power < -3 || power > 6) {
    const mantissa = value.toExponential(1).split("e")[0];
    return `${mantissa}\u00a0·\u00a010${superscript(power)}`.replace("-", "−");
  }
  return fixed(value, Math.max(0, digits - 1 - power));
}

const superscript = (integer) => String(integer).replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);

/// 65536 as "65,536".
const grouped = (integer) =>
  integer === null || integer === undefined ? kNone : String(integer).replace(/\B(?=(\d{3})+$)/g, ",");

/// 0.688 as "68.8 %".
const percent = (share, decimals = 1) =>
  share === null || share === undefined ? kNone : `${fixed(100 * share, decimals)}\u00a0%`;

// In the largest unit that leaves a value of at least 1.
function inUnits(value, units, digits) {
  if (value === null || value === undefined) return kNone;
  const [unit, name] = units.find(([least]) => Math.abs(value) >= least) ?? units.at(-1);
  return `${significant(value / unit, digits)}\u00a0${name}`;
}

const kTimes = [
  [60e9, "min"],
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
];
const kSizes = [
  [2 ** 40, "TiB"],
  [2 ** 30, "GiB"],
  [2 ** 20, "MiB"],
  [2 ** 10, "KiB"],
  [1, "B"],
];
/// 2.5 as "2.50 ×".
const times = (ratio) => `${significant(ratio)}\u00a0×`;
const duration = (ns, digits) => inUnits(ns, kTimes, digits);
const size = (bytes, digits) => inUnits(bytes, kSizes, digits);

/// An interval's ends, each by `format`; "" where there is none.
const range = (interval, format) => (interval ? `${format(interval[0])} to ${format(interval[1])}` : "");

/// "1 layer", "3 layers", "20 blocks of sequences".
const counted = (count, noun) => `${grouped(count)} ${count === 1 ? noun : noun.replace(/^\w+/, "$&s")}`;
