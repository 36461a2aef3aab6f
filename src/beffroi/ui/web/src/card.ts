// The card of the chosen asset: a piece of page rendered by the hub.
const REFRESH_MS = 1500;
let back: HTMLElement | null = null;
let onClose: () => void = () => undefined;
let timer = 0;

const panel = (): HTMLElement | null => document.getElementById("card");

async function fetchCard(id: string): Promise<string | null> {
  const response = await fetch(`/assets/${encodeURIComponent(id)}/card`);
  return response.ok ? response.text() : null;
}

/** Opens the card and moves the focus to it; closing gives the focus back. */
export async function openCard(id: string, closed: () => void): Promise<void> {
  const card = panel();
  const html = await fetchCard(id);
  if (!card || html === null) return;
  if (card.hidden) back = document.activeElement as HTMLElement | null;
  onClose = closed;
  card.innerHTML = html; // escaped by the hub's templates; the policy forbids inline scripts
  card.dataset.asset = id;
  card.hidden = false;
  card.focus();
}

export function refreshCard(id: string): void {
  if (timer) return;
  timer = window.setTimeout(async () => {
    timer = 0;
    const card = panel();
    if (!card || card.hidden || card.dataset.asset !== id) return;
    if (card.contains(document.activeElement) && document.activeElement !== card) return;
    const html = await fetchCard(id);
    if (html !== null && card.dataset.asset === id) card.innerHTML = html;
  }, REFRESH_MS);
}

function close(): void {
  const card = panel();
  if (!card || card.hidden) return;
  card.hidden = true;
  onClose();
  back?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") close();
});
document.addEventListener("click", (event) => {
  if ((event.target as Element).closest("[data-close-card]")) close();
});
