// Layers of a map: one item of one period in one look, drawn out of its COGs into canvases. No WebGL is needed.

import { readWindow } from "./cogs.js";
import { painter } from "./looks.js";

const { ol } = window;

/** As many pixels as a block of the COGs: each block is then decoded once. */
const TILE = 512;
/** `ol.TileState` of a tile that could not be read. */
const TILE_ERROR = 3;

/** How often the pixels of an item can be halved until they fit one tile. */
function levels(item) {
  return Math.max(0, Math.ceil(Math.log2(Math.max(...item.shape) / TILE)));
}

/** The layer of an item; undefined where it lacks what the look shows. `failed` is told of pixels that cannot be read. */
export function itemLayer(item, look, stretch, projection, failed) {
  const paint = painter(look, item, stretch);
  if (!paint) return undefined;
  const coarsest = levels(item);
  const [west, , , north] = item.extent;
  const grid = new ol.tilegrid.TileGrid({
    extent: item.extent,
    origin: [west, north],
    tileSize: TILE,
    // Pixels may be oblong by a hair; a grid of tiles knows one size.
    resolutions: Array.from({ length: coarsest + 1 }, (_, z) => item.pixel[0] * 2 ** (coarsest - z)),
  });
  const source = new ol.source.TileImage({
    projection,
    tileGrid: grid,
    interpolate: false,
    wrapX: false,
    transition: 0,
    tileUrlFunction: (place) => place.join("/"),
    tileLoadFunction: (tile) => {
      draw(item, look, paint, coarsest, tile.getTileCoord()).then(
        (canvas) => tile.setImage(canvas),
        (error) => {
          tile.setState(TILE_ERROR);
          failed(error);
        },
      );
    },
  });
  return new ol.layer.Tile({ source, extent: item.extent });
}

async function draw(item, look, paint, coarsest, [z, x, y]) {
  const zoomedOut = coarsest - z;
  const [rows, columns] = item.shape.map((size) => Math.ceil(size / 2 ** zoomedOut));
  const window = [x * TILE, y * TILE, Math.min(columns, (x + 1) * TILE), Math.min(rows, (y + 1) * TILE)];
  const [width, height] = [window[2] - window[0], window[3] - window[1]];
  const values = await Promise.all(look.assets.map((asset) => readWindow(item, asset, zoomedOut, window)));
  const pixels = new Uint8ClampedArray(width * height * 4);
  paint(values, pixels);
  const canvas = document.createElement("canvas");
  canvas.width = TILE;
  canvas.height = TILE;
  canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
  return canvas;
}

/** [column, row] of the pixel a place on the map is in; undefined outside of the item. */
export function pixelAt(item, [x, y]) {
  const [west, , , north] = item.extent;
  const column = Math.floor((x - west) / item.pixel[0]);
  const row = Math.floor((north - y) / item.pixel[1]);
  const inside = column >= 0 && row >= 0 && column < item.shape[1] && row < item.shape[0];
  return inside ? [column, row] : undefined;
}

/** The outer edges of a pixel: [west, south, east, north]. */
export function pixelExtent(item, [column, row]) {
  const [west, , , north] = item.extent;
  const [left, top] = [west + column * item.pixel[0], north - row * item.pixel[1]];
  return [left, top - item.pixel[1], left + item.pixel[0], top];
}
