// What the item says of the band in an asset: nodata, scale, classes, and what kind of thing it is.

const COUNTS = new Set(["CLEAROB", "TOTALOB"]);
const YEAR = "PROVENANCE_YEAR";
const VEGETATION = /^(NDVI|EVI2?|SAVI|MSAVI|OSAVI|GNDVI|NDRE\d?)$/i;

/** The band of an asset that is a raster of one band; undefined for pictures and documents. */
export function bandOf(item, name) {
  const asset = item.assets[name];
  if (!asset?.type?.startsWith("image/tiff")) return undefined;
  const band = asset.bands?.[0] ?? {};
  const raster = asset["raster:bands"]?.[0] ?? {};
  const field = (key) => band[key] ?? band[`raster:${key}`] ?? asset[key] ?? asset[`raster:${key}`] ?? raster[key];
  return {
    name,
    description: band.description ?? asset.description ?? "",
    title: asset.title ?? "",
    commonName: band["eo:common_name"] ?? asset["eo:bands"]?.[0]?.common_name,
    nodata: number(field("nodata")),
    scale: number(field("scale")) ?? 1,
    offset: number(field("offset")) ?? 0,
    unit: unitOf(band.unit ?? raster.unit),
    classes: asset["classification:classes"] ?? band["classification:classes"],
  };
}

/** Of shares and indexes STAC says 1, which is no unit to write behind a number. */
function unitOf(unit) {
  return unit === undefined || unit === "1" ? "" : unit;
}

function number(value) {
  if (value === undefined || value === null) return undefined;
  return value === "nan" ? Number.NaN : Number(value);
}

export function bandsOf(item) {
  return Object.keys(item.assets)
    .map((name) => bandOf(item, name))
    .filter(Boolean);
}

export function isNodata(band, value) {
  return value === band.nodata || Number.isNaN(value);
}

/** Of a stored number the physical one. */
export function physical(band, value) {
  return value * band.scale + band.offset;
}

export function kindOf(band) {
  if (band.name === "PROVENANCE") return "provenance";
  if (COUNTS.has(band.name)) return "count";
  if (band.name === "DATASOURCE") return "source";
  if (band.name === YEAR) return "year";
  if (band.classes?.length) return "classes";
  if (VEGETATION.test(band.name)) return "vegetation";
  if (band.commonName) return "spectral";
  return "other";
}

/** Whether a chart of it over time says something. */
export function isMeasured(band) {
  return ["vegetation", "spectral", "other"].includes(kindOf(band));
}

export function labelOf(band) {
  const words = {
    CLEAROB: "Clear observations (CLEAROB)",
    TOTALOB: "Observations (TOTALOB)",
    PROVENANCE: "Date of the pixel (PROVENANCE)",
    DATASOURCE: "Source of the pixel (DATASOURCE)",
  };
  if (words[band.name]) return words[band.name];
  if (kindOf(band) === "classes") return `Classes (${band.name})`;
  return band.commonName && band.commonName.toLowerCase() !== band.name.toLowerCase()
    ? `${band.name} (${band.commonName})`
    : band.name;
}
