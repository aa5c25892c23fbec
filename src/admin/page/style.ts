/**
 * The page's style. Colours are set for light and dark, each with a contrast of at least 4.5 to 1 against its
 * background; a cell's letter also shows its state, so nothing depends on colour alone.
 */
export const PAGE_STYLE = /* css */ `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b1f24;--dim:#57606a;--line:#d0d7de;--accent:#0b5cad;--good:#116329;--bad:#a40e26;
--starting:#d8e6ff;--idle:#d5f2dc;--busy:#ffd9a0;--full:#ffb77c;--paused:#dfe3e8;--draining:#e6d9ff;--hung:#a40e26;--cell:#1b1f24;--on-hung:#fff}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--card:#161b22;--ink:#e6edf3;--dim:#9aa5b1;--line:#3a424c;--accent:#6cb6ff;--good:#56d364;--bad:#ff8a80;
--starting:#1c3a63;--idle:#14432a;--busy:#6b4a00;--full:#7d3c00;--paused:#3a424c;--draining:#46307a;--hung:#ff8a80;--cell:#f0f6fc;--on-hung:#1b0003}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
header,footer{display:flex;flex-wrap:wrap;gap:.3rem 1rem;align-items:baseline;padding:.7rem 1rem}
header p,footer p{margin:0}
h1{font-size:1.3rem;margin:0}
h2{font-size:1rem;margin:0 0 .5rem}
a{color:var(--accent)}
main{display:grid;gap:.8rem;padding:0 1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr))}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.8rem;min-width:0}
.wide{grid-column:1/-1}
.badge{border:1px solid currentColor;border-radius:1em;padding:0 .7em;font-size:.9rem}
.good{color:var(--good)}.bad,.lost,.error,.warn{color:var(--bad)}
#address,#about,time,.dim{color:var(--dim)}
#notice{margin:0 1rem .8rem;padding:.6rem .8rem;border:2px solid var(--bad);border-radius:8px;background:var(--card)}
#notice,#releases{white-space:pre-line}
.stale main{opacity:.75}
dl{margin:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(7.5rem,1fr));gap:.5rem}
dt{color:var(--dim);font-size:.85rem}
dd{margin:0;font-size:1.15rem;font-variant-numeric:tabular-nums}
#legend{display:flex;flex-wrap:wrap;gap:.2rem .9rem;margin:0 0 .6rem;padding:0;list-style:none;font-size:.9rem}
#legend span{display:inline-block;min-width:1.5em;text-align:center;border-radius:3px;margin-right:.4em}
#board{display:flex;flex-wrap:wrap;gap:3px}
.cell{width:2.2rem;height:2.2rem;padding:0;border:1px solid var(--line);border-radius:4px;font:600 .9rem/1 ui-monospace,monospace;cursor:pointer}
.many .cell{width:1.6rem;height:1.6rem;font-size:.75rem}
.cell[aria-pressed=true]{outline:3px solid var(--ink);outline-offset:1px}
.starting,.idle,.busy,.full,.paused,.draining{color:var(--cell)}
.starting{background:var(--starting)}.idle{background:var(--idle)}.busy{background:var(--busy)}.full{background:var(--full)}
.paused{background:var(--paused)}.draining{background:var(--draining)}.hung{background:var(--hung);color:var(--on-hung)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
#worker{margin-top:.8rem;border-top:1px solid var(--line);padding-top:.6rem}
#worker dl{margin-bottom:.6rem}
h3{font-size:1rem;margin:0 0 .5rem}
button,input{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--dim);border-radius:6px;padding:.25rem .7rem}
button{cursor:pointer}
.action{display:grid;grid-template-columns:7rem 1fr;gap:.7rem;align-items:center;margin-bottom:.4rem}
.charts{display:grid;gap:.8rem}
figure{margin:0}
svg{width:100%;height:5rem;background:var(--bg);border-radius:4px;display:block}
polyline{fill:none;stroke:var(--accent);stroke-width:2;vector-effect:non-scaling-stroke}
ol{margin:0;padding:0;list-style:none}
li time{margin-right:.6em;font-variant-numeric:tabular-nums}
.scroll{max-height:20rem;overflow:auto}
.wide .scroll{max-height:32rem}
pre{margin:.3rem 0 .8rem;white-space:pre-wrap;font-size:.85rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.2rem .6rem;border-bottom:1px solid var(--line);white-space:nowrap}
th:nth-child(2),td:nth-child(2),th:nth-child(9),td:nth-child(9){text-align:left}
thead th{position:sticky;top:0;background:var(--card)}
th button{border:0;padding:0;background:none;font-weight:600}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
dialog{background:var(--card);color:var(--ink);border:1px solid var(--line);border-radius:8px;max-width:30rem}
`;
