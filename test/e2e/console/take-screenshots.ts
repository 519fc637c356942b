import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { buildConsole, findChromium, openBrowser } from "../../kit/browser.ts";
import { emptyStateDirectory, removeStateDirectories } from "../../kit/state-directory.ts";
import { ADMIN } from "../../kit/serve.ts";
import { openConsoleSite } from "./console-site.ts";

/** `npm run screenshots -- DIRECTORY`: pictures of every page in both themes, at a desk and on a phone; those of the README by default. */
const [directory = "docs/images", ...only] = process.argv.slice(2);
const README = ["tasks", "create", "task", "task-checks", "task-verification", "task-done"];
const chromium = findChromium();
if (chromium === undefined) throw new Error("no Chromium in the PATH");
buildConsole();
await mkdir(directory, { recursive: true });
{
  await using site = await openConsoleSite(emptyStateDirectory());
  const browser = await openBrowser(chromium);
  const isReadme = directory === "docs/images";
  for (const scheme of isReadme ? (["light"] as const) : (["light", "dark"] as const)) {
    for (const [size, viewport] of Object.entries(isReadme ? { desk: desk() } : { desk: desk(), phone: { width: 390, height: 844 } })) {
      const page = await browser.newPage({ viewport, colorScheme: scheme, locale: "en-GB" });
      await page.goto(`${site.server.url}/login`);
      await page.locator("input").first().fill(ADMIN.name);
      await page.locator("input[type=password]").fill(ADMIN.password);
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/tasks/);
      for (const [name, path] of Object.entries(site.pages)) {
        if (isReadme ? !README.includes(name) : only.length > 0 && !only.includes(name)) continue;
        await page.goto(site.server.url + path);
        await page.waitForTimeout(1500);
        await page.screenshot({ path: join(directory, isReadme ? `${name}.png` : `${name}-${scheme}-${size}.png`), fullPage: !isReadme });
      }
      await page.close();
    }
  }
  await browser.close();
}
await removeStateDirectories();

function desk(): { width: number; height: number } {
  return { width: 1280, height: 800 };
}
