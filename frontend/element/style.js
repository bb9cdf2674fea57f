/**
 * The element's look. A shop themes it by these variables, and by its parts with `::part(…)`.
 *
 * A constructed sheet, not a `<style>`: a page whose policy is `default-src 'self'` forbids that.
 */

export const sheet = new CSSStyleSheet();

sheet.replaceSync(`
:host {
  --ink: var(--batua-ink, #14213d);
  --paper: var(--batua-paper, #ffffff);
  --line: var(--batua-line, #c9d0dd);
  --soft: var(--batua-soft, #f2f5fa);
  --main: var(--batua-main, #1f5af6);
  --on-main: var(--batua-on-main, #ffffff);
  --muted: var(--batua-muted, #566078);
  --good: var(--batua-good, #0f6b3a);
  --bad: var(--batua-bad, #b3261e);
  display: block; max-width: 30rem; color: var(--ink); background: var(--paper);
  border: 1px solid var(--line); border-radius: var(--batua-radius, 16px);
  font: var(--batua-font, 16px/1.5 system-ui, "Noto Sans Devanagari", sans-serif);
  container-type: inline-size;
}
:host([hidden]) { display: none; }
@media (prefers-color-scheme: dark) {
  :host {
    --ink: var(--batua-ink, #e9edf5); --paper: var(--batua-paper, #171d2b);
    --line: var(--batua-line, #3d4864); --soft: var(--batua-soft, #0e131e);
    --main: var(--batua-main, #7fa4ff); --on-main: var(--batua-on-main, #0b1226);
    --muted: var(--batua-muted, #a3adc2); --good: var(--batua-good, #6fd39b);
    --bad: var(--batua-bad, #ff9b92);
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
section { padding: 1rem 1.25rem; border-top: 1px solid var(--line); }
section.head { border-top: 0; }
h2, h3, p, dl, ol { margin: 0; }
h2 { font-size: 1rem; color: var(--muted); font-weight: 600; }
h3 { font-size: 1rem; margin-bottom: .75rem; }
.balance { font-size: 2.25rem; font-weight: 700; letter-spacing: -.02em; line-height: 1.2;
  overflow-wrap: anywhere; }
.note { color: var(--muted); font-size: .875rem; }
.told { margin: 1rem 1.25rem; padding: .75rem 1rem; border-radius: 10px; background: var(--soft);
  border-inline-start: 4px solid var(--muted); }
.told.good { border-color: var(--good); }
.told.bad { border-color: var(--bad); }
form, .stack { display: grid; gap: .75rem; }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
legend, label.field { padding: 0; margin-bottom: .35rem; font-size: .875rem; color: var(--muted);
  display: block; }
.choices { display: flex; flex-wrap: wrap; gap: .5rem; }
.choice { flex: 1 1 6rem; position: relative; }
.choice input { position: absolute; inset: 0; opacity: 0; width: 100%; height: 100%; margin: 0;
  cursor: pointer; }
.choice span { display: block; min-height: 44px; padding: .6rem .75rem; text-align: center;
  border: 1px solid var(--line); border-radius: 10px; }
.choice input:checked + span { border-color: var(--main); box-shadow: inset 0 0 0 1px var(--main);
  font-weight: 600; }
.choice input:focus-visible + span, button:focus-visible, input:focus-visible, a:focus-visible {
  outline: 3px solid var(--main); outline-offset: 2px; }
input[type=text] { width: 100%; min-height: 44px; padding: .6rem .75rem; font: inherit;
  color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 10px; }
input[aria-invalid=true] { border-color: var(--bad); }
.wrong { color: var(--bad); font-size: .875rem; }
button, a.button { min-height: 44px; padding: .6rem 1rem; font: inherit; color: inherit;
  background: none; border: 1px solid var(--line); border-radius: 10px; cursor: pointer;
  transition: opacity .15s; }
button.main { background: var(--main); border-color: var(--main); color: var(--on-main);
  font-weight: 600; }
button[aria-disabled=true] { opacity: .6; cursor: progress; }
ol { list-style: none; padding: 0; }
li { display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; padding: .6rem 0;
  border-top: 1px solid var(--line); }
li:first-child { border-top: 0; }
li .amount { text-align: end; font-variant-numeric: tabular-nums; font-weight: 600; }
li .note:last-child { text-align: end; }
li .in { color: var(--good); }
.row { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .75rem; }
figure { margin: 0; text-align: center; }
figure svg { width: min(16rem, 100%); }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
@media (forced-colors: active) { .choice input:checked + span { outline: 2px solid Highlight; } }
`);
