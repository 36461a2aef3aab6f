// Draws the marks of the map: the shape says the condition, the letters say the service.
import type { Catalogue, Condition } from "./words";

const SIZE = 56; // 28 px at pixel ratio 2
export const COLOURS = {
  light: { sheet: "#fffdf9", ink: "#1b2530", warn: "#f0a63a", grave: "#b3261e", mute: "#5a6570" },
  dark: { sheet: "#182129", ink: "#e9edf0", warn: "#f2bb69", grave: "#e5483d", mute: "#aab4bd" },
};

export function theme(): "light" | "dark" {
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function drawMark(domain: string, state: Condition, catalogue: Catalogue): ImageData {
  const known = catalogue[domain];
  const colour = known?.colour ?? "#556677";
  const at = COLOURS[theme()];
  const canvas = new OffscreenCanvas(SIZE, SIZE);
  const pen = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
  pen.lineJoin = "round";
  outline(pen, state);
  pen.lineWidth = 8;
  pen.strokeStyle = at.sheet;
  pen.stroke();
  pen.fillStyle =
    state === "grave" ? at.grave : state === "warning" ? at.warn : state === "ok" ? colour : at.sheet;
  pen.fill();
  if (state === "stale" || state === "unknown") {
    pen.lineWidth = 4;
    pen.strokeStyle = at.mute;
    pen.setLineDash(state === "stale" ? [8, 7] : []);
    pen.stroke();
  }
  pen.fillStyle =
    state === "grave" ? "#ffffff" : state === "warning" ? "#1b2530" : state === "ok" ? inkOn(colour) : at.mute;
  letter(pen, known?.letter ?? "?", state === "warning" ? 5 : 1);
  return pen.getImageData(0, 0, SIZE, SIZE);
}

function outline(pen: OffscreenCanvasRenderingContext2D, state: string): void {
  const c = SIZE / 2;
  pen.beginPath();
  if (state === "grave") polygon(pen, c, 25, 8, Math.PI / 8);
  else if (state === "warning") {
    pen.moveTo(c, 5);
    pen.lineTo(52, 50);
    pen.lineTo(4, 50);
    pen.closePath();
  } else pen.arc(c, c, 20, 0, 2 * Math.PI);
}

function polygon(
  pen: OffscreenCanvasRenderingContext2D,
  c: number,
  r: number,
  corners: number,
  turn: number,
): void {
  for (let i = 0; i < corners; i++) {
    const angle = turn + (i * 2 * Math.PI) / corners;
    pen.lineTo(c + r * Math.cos(angle), c + r * Math.sin(angle));
  }
  pen.closePath();
}

function letter(pen: OffscreenCanvasRenderingContext2D, text: string, down: number): void {
  pen.font = `700 ${text.length > 1 ? 20 : 24}px "Source Sans 3 Variable", system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(text, SIZE / 2, SIZE / 2 + down + 1);
}

function inkOn(colour: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? "#ffffff" : "#101418";
}
