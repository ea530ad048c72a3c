export interface Curve {
  readonly label: string;
  readonly colour: string;
  readonly xs: readonly number[];
  readonly ys: readonly number[];
  /** Drawn thin and broken: a fitted line. */
  readonly fitted?: boolean;
}

export interface Panel {
  readonly title: string;
  readonly curves: readonly Curve[];
}

const WIDTH = 960;
const PANEL_HEIGHT = 150;
const LEFT = 70;
const RIGHT = 20;
const TOP = 50;
const PLOT_HEIGHT = 96;
/** Of a panel, from its upper edge to its plot: the title. */
const HEAD = 26;

/** Draws panels one below the other over the same x, as an SVG that needs nothing beside it. */
export function svgPlot(title: string, xLabel: string, panels: readonly Panel[]): string {
  const xs = panels.flatMap(({ curves }) => curves.flatMap((curve) => curve.xs));
  const last = xs.reduce((a, b) => Math.max(a, b), 0);
  const scaleX = scale(0, last, LEFT, WIDTH - RIGHT, false);
  const height = TOP + panels.length * PANEL_HEIGHT + 30;
  const drawn = panels.map((panel, i) => drawPanel(panel, TOP + i * PANEL_HEIGHT, scaleX));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="28" font-size="17" font-weight="bold">${escaped(title)}</text>`,
    ...drawn,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${height - 8}" text-anchor="middle">${escaped(xLabel)}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

interface Scale {
  (value: number): number;
  readonly ticks: readonly number[];
}

function drawPanel({ title, curves }: Panel, top: number, scaleX: Scale): string {
  const ys = curves.flatMap((curve) => curve.ys);
  const bottom = top + HEAD + PLOT_HEIGHT;
  const highest = ys.reduce((a, b) => Math.max(a, b), 0);
  const scaleY = scale(0, highest === 0 ? 1 : highest, bottom, top + HEAD);
  const parts = [`<text x="${LEFT}" y="${top + 16}" font-weight="bold">${escaped(title)}</text>`];
  for (const y of scaleY.ticks) {
    const at = round(scaleY(y));
    parts.push(`<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#ddd"/>`);
    parts.push(`<text x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${shown(y)}</text>`);
  }
  for (const x of scaleX.ticks) {
    const at = round(scaleX(x));
    parts.push(`<path d="M${at} ${bottom}v4" stroke="#999"/>`);
    parts.push(`<text x="${at}" y="${bottom + 16}" text-anchor="middle" fill="#777">${shown(x)}</text>`);
  }
  let legend = WIDTH - RIGHT;
  for (const { label, colour, fitted, xs, ys: values } of [...curves].reverse()) {
    const points = xs.map((x, i) => `${round(scaleX(x))},${round(scaleY(values[i]!))}`).join(' ');
    const style = fitted ? 'stroke-width="1" stroke-dasharray="5 4"' : 'stroke-width="1.4"';
    parts.push(`<polyline points="${points}" fill="none" stroke="${colour}" ${style}/>`);
    parts.push(
      `<text x="${legend}" y="${top + 16}" text-anchor="end" fill="${colour}">${escaped(label)}</text>`,
    );
    legend -= label.length * 6.4 + 18;
  }
  return parts.join('\n');
}

/** From values to places, with a few round values to mark; the last of them is the end, if that is to be round. */
function scale(low: number, high: number, from: number, to: number, roundEnd = true): Scale {
  const step = roundStep((high - low) / (roundEnd ? 4 : 15));
  const top = roundEnd ? Math.ceil(high / step - 1e-9) * step : high;
  const place = (value: number) => from + ((value - low) / (top - low)) * (to - from);
  const count = Math.floor((top - low) / step + 1e-9);
  return Object.assign(place, { ticks: Array.from({ length: count + 1 }, (_, i) => low + i * step) });
}

/** 1, 2 or 5 times a power of ten, at least so much. */
function roundStep(least: number): number {
  if (least <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function shown(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
