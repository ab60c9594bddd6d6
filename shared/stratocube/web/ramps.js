// Colour ramps: from a share between 0 and 1 to a colour. Readable for the colour-blind, light to dark in one direction.

const STOPS = {
  // matplotlib's viridis, thinned out (CC0)
  viridis: ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"],
  // bare to green
  vegetation: ["#8c510a", "#bf812d", "#dfc27d", "#f6e8c3", "#d9f0a3", "#addd8e", "#78c679", "#31a354", "#006837"],
  grey: ["#000000", "#ffffff"],
  // few to many
  counts: ["#f7d9c4", "#f4a582", "#92c5de", "#4393c3", "#2166ac", "#053061"],
  // first to last
  time: ["#0d0887", "#5302a3", "#8b0aa5", "#b83289", "#db5c68", "#f48849", "#febd2a", "#f0f921"],
};

function channels(hex) {
  const number = Number.parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** [red, green, blue] of a share. */
export function colourAt(ramp, share) {
  const stops = STOPS[ramp];
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(place));
  const [one, other] = [channels(stops[below]), channels(stops[below + 1])];
  return one.map((value, index) => Math.round(value + (other[index] - value) * (place - below)));
}

export function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}

export function gradient(ramp) {
  return `linear-gradient(to right, ${STOPS[ramp].join(", ")})`;
}

/** As many colours of a ramp as there are things, evenly apart. */
export function colours(ramp, count) {
  return Array.from({ length: count }, (_, index) => colourAt(ramp, count === 1 ? 0.5 : index / (count - 1)));
}

export function hexColour(hex) {
  return channels(`#${hex.replace("#", "")}`);
}
