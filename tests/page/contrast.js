// SPDX-License-Identifier: MIT
// Texts whose contrast with their ground is below 4.5, of those that are seen.
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) =>
    [r, g, b]
      .map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const seen = (e) => e.checkVisibility() && !e.closest(".unseen, .skip");
  return [...document.querySelectorAll("body *")]
    .filter((e) => seen(e) && [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent.trim()))
    .map((e) => {
      const [a, b] = [luminance(rgba(getComputedStyle(e).color)), luminance(ground(e))].sort((x, y) => y - x);
      return {ratio: (a + 0.05) / (b + 0.05), text: `${e.textContent.trim().slice(0, 40)} (${e.tagName})`};
    })
    .filter(({ratio}) => ratio < 4.5)
    .map(({ratio, text}) => `${ratio.toFixed(2)} ${text}`);
})();
