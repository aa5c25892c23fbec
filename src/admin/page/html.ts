/** The page's frame. What it shows comes with the events; see main.ts. */
export const PAGE_HTML = /* html */ `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>prefork-tcp-server</title>
<link rel="icon" href="data:,">
<!--style-->
</head>
<body>
<header>
<h1 id="alias">prefork-tcp-server</h1>
<p id="address"></p>
<p id="mode" class="badge"></p>
<p id="link" class="badge lost" role="status">connecting</p>
</header>
<p id="notice" role="alert" hidden></p>
<main>
<section class="wide" aria-labelledby="h-now">
<h2 id="h-now">Now</h2>
<dl id="totals"></dl>
</section>
<section class="wide" aria-labelledby="h-board">
<h2 id="h-board">Workers</h2>
<ul id="legend"></ul>
<div id="board" role="group" aria-label="One cell for each worker; arrow keys move between them"></div>
<div id="worker" role="region" aria-label="Chosen worker" hidden></div>
</section>
<section id="hung" aria-labelledby="h-hung" hidden>
<h2 id="h-hung">Blocked event loops</h2>
<div id="hangs"></div>
</section>
<section aria-labelledby="h-load">
<h2 id="h-load">The last five minutes</h2>
<div class="charts">
<figure><figcaption id="clients-text">Clients</figcaption><svg id="clients" viewBox="0 0 300 80" preserveAspectRatio="none" role="img" aria-labelledby="clients-text"></svg></figure>
<figure><figcaption id="queue-text">Waiting in the queue</figcaption><svg id="queue" viewBox="0 0 300 80" preserveAspectRatio="none" role="img" aria-labelledby="queue-text"></svg></figure>
</div>
</section>
<section aria-labelledby="h-act">
<h2 id="h-act">Actions</h2>
<div id="actions"></div>
<form id="login" hidden><label for="token">Token</label> <input id="token" type="password" autocomplete="off" size="24"> <button>Use it</button></form>
</section>
<section aria-labelledby="h-events">
<h2 id="h-events">Latest events</h2>
<ol id="events" class="scroll" tabindex="0" aria-labelledby="h-events"></ol>
</section>
<section aria-labelledby="h-releases">
<h2 id="h-releases">Releases</h2>
<p id="releases"></p>
<h2 id="h-exits">Workers that have gone</h2>
<dl id="exits"></dl>
</section>
<section class="wide" aria-labelledby="h-table">
<h2 id="h-table">Table of workers</h2>
<div class="scroll" tabindex="0" role="group" aria-label="Rows, which scroll"><table id="table"><thead></thead><tbody></tbody></table></div>
</section>
</main>
<dialog id="confirm" aria-labelledby="question"><form method="dialog"><p id="question"></p><button value="yes">Yes</button> <button value="no" autofocus>No</button></form></dialog>
<footer><p id="about"></p><p><a href="status">JSON</a> <a href="metrics">metrics</a> <a href="readyz">ready?</a></p></footer>
<!--script-->
</body>
</html>
`;
