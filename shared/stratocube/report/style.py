"""How a report looks, in the light and in the dark. Text has a contrast of at least 4.5 to what is behind it."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --page: #f5f6f4; --card: #ffffff; --ink: #1c2321; --soft: #56615d; --line: #dde2de; --accent: #1f6f5c;
  --succeeded: #2f8f6f; --failed: #c2412d; --running: #2f76b8; --planned: #b9c2bd; --cancelled: #8a7aa8;
  --on-status: #ffffff; --track: #e9edea; --warm: 200, 110, 30;
  --search: #8d99a6; --merge: #2f76b8; --prepare: #8a7aa8; --dates: #c98a1b; --blend: #2f8f6f; --publish: #b4532a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #131817; --card: #1c2321; --ink: #e8eeea; --soft: #a3b0aa; --line: #323c38; --accent: #6cc5aa;
    --succeeded: #2f8f6f; --failed: #cf5340; --running: #3d86cb; --planned: #4d5853; --cancelled: #85769f;
    --track: #262f2c; --warm: 214, 128, 52;
    --search: #8d99a6; --merge: #4a93d6; --prepare: #a08fc0; --dates: #d9a13b; --blend: #43b08b; --publish: #d2744a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI",
  Roboto, "Noto Sans", "Open Sans", sans-serif; }
main, header, footer { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 34px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 18px; margin: 0 0 14px; }
h3 { font-size: 15px; margin: 18px 0 8px; }
p { margin: 0 0 10px; }
a { color: var(--accent); }
a:focus-visible, summary:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
code { font: 13px/1.4 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.eyebrow { color: var(--soft); font-size: 13px; text-transform: uppercase; letter-spacing: .08em; margin: 0 0 4px; }
.title { display: flex; flex-wrap: wrap; align-items: center; gap: 14px; }
.facts { color: var(--soft); margin: 8px 0 0; }
.badge { display: inline-block; border-radius: 999px; padding: 3px 12px; font-size: 13px; font-weight: 600;
  color: var(--on-status); background: var(--b); }
.b-succeeded { --b: #23755a; } .b-failed { --b: #b23723; } .b-partial { --b: #8f5a0a; } .b-running { --b: #25659f; }
.b-queued, .b-planned { --b: #56615d; } .b-cancelled { --b: #6b5b8c; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 12px; margin: 24px 0; }
.card, section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.card { padding: 14px 16px; }
.card .label { color: var(--soft); font-size: 13px; }
.card .value { font-size: 25px; font-weight: 650; line-height: 1.25; letter-spacing: -0.01em; }
.card .more { color: var(--soft); font-size: 13px; }
section { padding: 20px 22px; margin: 0 0 18px; overflow: hidden; }
.alert { border-left: 5px solid var(--failed); }
svg { display: block; max-width: 100%; height: auto; }
svg.map { margin: 0 auto; width: 100%; max-height: 520px; }
.scroll { overflow-x: auto; }
.scroll svg { min-width: 720px; width: 100%; }
svg text { font-family: inherit; fill: var(--ink); font-size: 12px; }
svg .axis { fill: var(--soft); font-size: 11.5px; }
svg .row-name { font-size: 12.5px; font-weight: 600; }
svg .tile-name { font-size: 12px; font-weight: 650; fill: var(--on-status); pointer-events: none;
  paint-order: stroke; stroke: rgba(0, 0, 0, .8); stroke-width: 4px; stroke-linejoin: round; }
svg .sign { fill: none; stroke: var(--on-status); stroke-width: .14; stroke-linecap: round; stroke-linejoin: round;
  pointer-events: none; opacity: .9; }
.behind { fill: #0c100f; }
.edge { fill: none; stroke-width: 5; pointer-events: none; }
.e-succeeded { stroke: var(--succeeded); } .e-failed { stroke: var(--failed); }
.outline { fill: none; stroke: var(--ink); stroke-width: 1.4; pointer-events: none; }
.unit { stroke: var(--card); stroke-width: 1.2; }
a:hover .unit, a:focus-visible .unit { stroke: var(--ink); stroke-width: 2.5; }
.s-succeeded { fill: var(--succeeded); background: var(--succeeded); }
.s-failed { fill: var(--failed); background: var(--failed); }
.s-running { fill: var(--running); background: var(--running); }
.s-planned { fill: var(--planned); background: var(--planned); }
.s-cancelled { fill: var(--cancelled); background: var(--cancelled); }
.hatch { stroke: rgba(255, 255, 255, .45); stroke-width: 1.6; fill: none; }
.grid-line { stroke: var(--line); }
.bar { fill: var(--track); }
.step-search { fill: var(--search); background: var(--search); }
.step-merge { fill: var(--merge); background: var(--merge); }
.step-prepare_dates, .step-prepare_blend { fill: var(--prepare); background: var(--prepare); }
.step-publish_dates { fill: var(--dates); background: var(--dates); }
.step-blend { fill: var(--blend); background: var(--blend); }
.step-publish { fill: var(--publish); background: var(--publish); }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; margin: 12px 0 0; padding: 0; list-style: none;
  color: var(--soft); font-size: 13px; }
.legend .swatch { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px;
  vertical-align: -1px; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 16px; }
.product { margin: 0; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; background: var(--page); }
.product img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: #0c100f;
  image-rendering: auto; }
.product figcaption { padding: 10px 12px 12px; font-size: 13.5px; }
.product .name { font-weight: 650; display: block; }
.product .soft, .soft { color: var(--soft); }
.product:target, tr:target { outline: 3px solid var(--accent); outline-offset: -3px; }
.empty { display: grid; place-items: center; aspect-ratio: 1; color: var(--soft); background: var(--track); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 7px 12px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--soft); font-size: 13px; font-weight: 600; }
tbody tr:last-child > * { border-bottom: 0; }
td.n, th.n { text-align: right; padding-right: 14px; }
td.heat { text-align: center; min-width: 74px; padding: 8px; background: rgba(var(--warm), var(--h)); }
th.heat-of { text-align: center; padding: 7px 12px; }
.heats { width: auto; }
.total > * { font-weight: 650; }
details > summary { cursor: pointer; font-weight: 650; font-size: 18px; }
details[open] > summary { margin-bottom: 12px; }
.cause { overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: 13px; padding-top: 6px; padding-bottom: 40px; }
@media (max-width: 560px) { section { padding: 16px; } h1 { font-size: 24px; } }
@media print { body { background: #fff; } section, .card { break-inside: avoid; } }
"""
