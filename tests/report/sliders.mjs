// Runs the script of an explored page without a browser: moves sliders as told and prints what the page then shows.
// node sliders.mjs PAGE.html 'slider,step slider,step ...'
import fs from "node:fs";

const html = fs.readFileSync(process.argv[2], "utf8");
const script = html.split("<script>")[1].split("</script>")[0];
const sliders = [...html.matchAll(/<input type="range".*?value="(\d+)" data-key="(.*?)" data-home="(\d+)" data-values="(.*?)">/g)].map(
  ([, value, key, home, values]) => ({
    value, dataset: { key, home, values }, output: { textContent: "" },
    addEventListener(name, listener) { this.input = listener; },
    get parentElement() { return { querySelector: () => this.output, classList: { toggle: () => {} } }; },
  }),
);
const shown = { style: {} };
const button = { addEventListener(name, listener) { this.click = listener; } };
globalThis.document = {
  querySelectorAll: () => sliders,
  querySelector: selector => (selector === "button" ? button : shown),
};

new Function(`${script}; globalThis.grids = grids;`)();
const states = [];
function note() {
  const pair = Object.keys(grids).find(key => shown.style.backgroundImage === `url(${grids[key]})`);
  states.push({ pair, at: shown.style.backgroundPosition, steps: sliders.map(slider => Number(slider.value)) });
}
note();
for (const [slider, step] of process.argv[3].split(" ").map(move => move.split(","))) {
  sliders[slider].value = step;
  sliders[slider].input();
  note();
}
button.click();
note();
console.log(JSON.stringify(states));
