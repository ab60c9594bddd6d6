// COGs read directly from the bucket, by ranges, through links that the API signs for a while.

import { call } from "./api.js";

const { fromCustomClient, BaseClient, BaseResponse } = window.GeoTIFF;

/** Files that stay open: their directories and some of their bytes. */
const OPEN_FILES = 400;
/** Before a link expires it is not used any more: a request takes its time. */
const MARGIN_MS = 30_000;
/** What is read at once: the directories of a COG and, of a small one, all of it. */
const BLOCK_BYTES = 65_536;

export class CogError extends Error {}

// -- links ------------------------------------------------------------------------------------------------------------

const links = new Map();
/** Why the last request for an asset failed. */
const failures = new Map();

function keyOf(item, asset) {
  return `${item.collection}/${item.id}/${asset}`;
}

/** A link to an asset: not the one that is `refused`. */
async function link(item, asset, refused) {
  const key = `${item.collection}/${item.id}`;
  let known = links.get(key);
  if (known && known.until < Date.now()) known = undefined;
  if (known && refused && (await known.reply).assets[asset]?.href === refused) known = undefined;
  if (!known) {
    const path = `assets/${encodeURIComponent(item.collection)}/${encodeURIComponent(item.id)}`;
    known = { until: Infinity, reply: call(path) };
    links.set(key, known);
    try {
      known.until = Date.parse((await known.reply).expires_at) - MARGIN_MS;
    } catch (error) {
      links.delete(key);
      throw error;
    }
  }
  const found = (await known.reply).assets[asset];
  if (!found) throw new CogError(`${item.id} has no file ${asset} any more. Load the page again.`);
  return found.href;
}

// -- files ------------------------------------------------------------------------------------------------------------

class Answer extends BaseResponse {
  constructor(response) {
    super();
    this.response = response;
  }

  get status() {
    return this.response.status;
  }

  getHeader(name) {
    return this.response.headers.get(name) ?? undefined;
  }

  getData() {
    return this.response.arrayBuffer();
  }
}

/** Asks for ranges of an asset. A link that has expired is replaced by a new one, once a request. */
class SignedClient extends BaseClient {
  constructor(item, asset) {
    super(`${item.id}/${asset}`);
    this.item = item;
    this.asset = asset;
  }

  async request({ headers, signal } = {}) {
    try {
      return await this.answer(headers, signal);
    } catch (error) {
      failures.set(keyOf(this.item, this.asset), error);
      throw error;
    }
  }

  async answer(headers, signal) {
    const href = await link(this.item, this.asset);
    let response = await this.ask(href, headers, signal);
    if (response.status === 403 || response.status === 404) {
      response = await this.ask(await link(this.item, this.asset, href), headers, signal);
    }
    if (!response.ok) {
      throw new CogError(`${this.item.id}: the file of ${this.asset} cannot be read (status ${response.status}).`);
    }
    return new Answer(response);
  }

  async ask(href, headers, signal) {
    try {
      // Signed for nobody in particular: no cookies, no key.
      return await fetch(href, { headers, signal, credentials: "omit" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new CogError(`${this.item.id}: the bucket does not answer for ${this.asset}.`);
    }
  }
}

/** Waits for what the library reads of an asset. Of a request that failed it says only that it did: ours says why. */
async function told(item, asset, reading) {
  try {
    return await reading;
  } catch (error) {
    const why = failures.get(keyOf(item, asset));
    failures.delete(keyOf(item, asset));
    throw why ?? error;
  }
}

const files = new Map();

/** The resolutions of an asset, finest first. */
function images(item, asset) {
  const key = keyOf(item, asset);
  const known = files.get(key);
  if (known) {
    files.delete(key);
    files.set(key, known);
    return known;
  }
  const opening = told(item, asset, open(item, asset));
  files.set(key, opening);
  opening.catch(() => files.delete(key));
  if (files.size > OPEN_FILES) files.delete(files.keys().next().value);
  return opening;
}

async function open(item, asset) {
  const tiff = await fromCustomClient(new SignedClient(item, asset), { blockSize: BLOCK_BYTES, cacheSize: 64 });
  const count = await tiff.getImageCount();
  const found = await Promise.all(Array.from({ length: count }, (_, index) => tiff.getImage(index)));
  // Masks lie beside the images they are of.
  return found.filter((image) => ((image.fileDirectory.getValue?.("NewSubfileType") ?? 0) & 4) === 0);
}

/** Forgets everything that was opened: after a new key, or when a cube is loaded again. */
export function closeAll() {
  files.clear();
  links.clear();
}

// -- pixels -----------------------------------------------------------------------------------------------------------

/**
 * Pixels of an asset as a map asks for them: `window` is [left, top, right, bottom] in pixels of the level, which is
 * `2 ** zoomedOut` times coarser than the file. Never more than the level has; nearest neighbour.
 */
export async function readWindow(item, asset, zoomedOut, window) {
  const pyramid = await images(item, asset);
  const scale = 2 ** zoomedOut;
  const wanted = Math.ceil(pyramid[0].getWidth() / scale);
  const image = pyramid.reduce((best, one) =>
    Math.abs(one.getWidth() - wanted) < Math.abs(best.getWidth() - wanted) ? one : best,
  );
  const [width, height] = [window[2] - window[0], window[3] - window[1]];
  const ratio = image.getWidth() / wanted;
  const source = [
    Math.floor(window[0] * ratio),
    Math.floor(window[1] * ratio),
    Math.min(image.getWidth(), Math.ceil(window[2] * ratio)),
    Math.min(image.getHeight(), Math.ceil(window[3] * ratio)),
  ];
  const [values] = await told(item, asset, image.readRasters({ window: source, width, height, resampleMethod: "nearest" }));
  return values;
}

/** One pixel of the finest resolution. */
export async function readPixel(item, asset, column, row) {
  const [image] = await images(item, asset);
  const [values] = await told(item, asset, image.readRasters({ window: [column, row, column + 1, row + 1] }));
  return values[0];
}

/** All values of the coarsest resolution: enough to see their range. */
export async function readCoarsest(item, asset) {
  const pyramid = await images(item, asset);
  const image = pyramid[pyramid.length - 1];
  const side = 256;
  const width = Math.min(side, image.getWidth());
  const height = Math.min(side, image.getHeight());
  const [values] = await told(item, asset, image.readRasters({ width, height, resampleMethod: "nearest" }));
  return values;
}
