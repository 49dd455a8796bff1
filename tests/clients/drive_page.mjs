// Opens the demo page from disk in a real Chromium with a fake camera, and prints what it showed.
//
//   node drive_page.mjs PAGE.html PHOTO FOLDER      (playwright-core in node_modules of the current folder)
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { chromium } = createRequire(`${process.cwd()}/`)("playwright-core");
const [page_file, photo, folder] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
const asked = [], errors = [];
page.on("request", request => asked.push(request.url().slice(0, 60)));
page.on("pageerror", error => errors.push(String(error)));
await page.goto(pathToFileURL(page_file).href);
await page.waitForSelector("#test.passed, #test.failed", { timeout: 120000 });
const said = {};
said.test = await page.textContent("#test");
await page.setInputFiles("#file", photo);
await page.waitForSelector("#nearest li", { timeout: 60000 });
said.nearest = await page.$$eval("#nearest li span", all => all.map(one => one.textContent));
said.features = await page.evaluate(() => document.body.dataset.features);
said.overflows = {};
for (const width of [1280, 390]) {
  await page.setViewportSize({ width, height: 900 });
  said.overflows[width] = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  await page.screenshot({ path: `${folder}/page_${width}.png`, fullPage: true });
}
await page.click("#camera");
await page.waitForFunction(before => document.body.dataset.features !== before, said.features, { timeout: 60000 });
said.camera = await page.textContent("#said");
await page.screenshot({ path: `${folder}/page_camera.png`, fullPage: true });
await page.click("#camera");
await page.setInputFiles("#file", { name: "no.txt", mimeType: "text/plain", buffer: Buffer.from("no") });
await page.waitForFunction(() => document.getElementById("said").textContent.includes("no picture"));
said.asked = asked.filter(url => !url.startsWith("file:") && !url.startsWith("data:") && !url.startsWith("blob:"));
said.errors = errors;
await browser.close();
console.log(JSON.stringify(said));
