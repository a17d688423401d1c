/** Chromium on the console of a real service. */
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'

/** Debian's. */
const EXECUTABLE = '/usr/bin/chromium'
const VIEW = { width: 1200, height: 900 }

export interface Watched extends Page {
  /** Goes to a place of the console, such as `/collections/photos`. */
  at(place: string): Promise<void>
  /** Errors of scripts and of the policy, and requests that leave the origin. None may be there at the end of a test. */
  faults: string[]
}

export class Console {
  private constructor(
    private readonly browser: Browser,
    private readonly url: string,
  ) {}

  static async open(url: string): Promise<Console> {
    // The sandbox needs privileges that containers lack.
    const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] })
    return new Console(browser, url)
  }

  async close(): Promise<void> {
    await this.browser.close()
  }

  async page(options: BrowserContextOptions & { key?: string } = {}): Promise<Watched> {
    const { key, ...others } = options
    const context = await this.browser.newContext({ viewport: VIEW, ...others })
    const page = (await context.newPage()) as Watched
    const { origin } = new URL(this.url)
    page.faults = []
    page.on('pageerror', ({ message }) => page.faults.push(message))
    page.on('console', (said) => {
      if (/Content Security Policy/i.test(said.text())) page.faults.push(said.text())
    })
    page.on('request', (request) => {
      const { origin: asked, protocol } = new URL(request.url())
      if (asked !== origin && protocol !== 'data:' && protocol !== 'blob:') page.faults.push(`asked ${request.url()}`)
    })
    if (key !== undefined) {
      await context.addInitScript(`sessionStorage.setItem('vicinal-api-key', ${JSON.stringify(key)})`)
    }
    page.at = async (place) => {
      await page.goto(`${this.url}/dashboard/#${place}`)
      await page.locator('h1').waitFor()
    }
    return page
  }
}

/** Expects that axe finds nothing on the page as it is. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  await page.evaluate(axe.source)
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run()
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, any }) => `${id}: ${html} ${any[0]?.message ?? ''}`),
    )
  })
  expect(found, where).toEqual([])
}
