/** Chromium on the console of a real service. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { ServerProcess } from '../durability/server-process.js'
import { makePhotos } from './photos.js'

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
    private readonly pictureHosts: readonly string[],
  ) {}

  static async open(url: string, pictureHosts: readonly string[] = []): Promise<Console> {
    // The sandbox needs privileges that containers lack.
    const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] })
    return new Console(browser, url, pictureHosts)
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
      const { origin: asked, protocol, host } = new URL(request.url())
      if (this.pictureHosts.includes(host)) return
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

/** The service, the folder and the page that the tests of a file share. */
export interface Stage {
  readonly folder: string
  readonly service: ServerProcess
  /** Of the running test. Another one closes it. */
  page: Watched
  open(options?: Parameters<Console['page']>[0]): Promise<Watched>
}

/** A service with photographs and a browser, for all tests of the file. No page may end with faults. */
export function setTheStage(env: Record<string, string> = {}): Stage {
  const stage = {} as { -readonly [part in keyof Stage]: Stage[part] }
  let browser: Console
  stage.open = async (options) => {
    stage.page = await browser.page(options)
    return stage.page
  }
  beforeAll(async () => {
    stage.folder = mkdtempSync(join(tmpdir(), 'vicinal-console-'))
    stage.service = await ServerProcess.start(join(stage.folder, 'data'), env)
    await makePhotos(stage.service.url, env.VICINAL_API_KEY ? { 'api-key': env.VICINAL_API_KEY } : {})
    browser = await Console.open(stage.service.url, env.VICINAL_CONSOLE_PICTURE_HOSTS?.split(','))
  })
  afterAll(async () => {
    await browser?.close()
    await stage.service?.end('SIGTERM')
    rmSync(stage.folder, { recursive: true, force: true })
  })
  afterEach(async () => {
    expect(stage.page.faults).toEqual([])
    await stage.page.context().close()
  })
  return stage
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
