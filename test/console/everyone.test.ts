/** The console for everyone: by keyboard, on a phone, in the dark, with any key, over any payload. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectAccessible, setTheStage, type Watched } from './browser.js'

const TABS = ['', '/points', '/query', '/recall', '/quality', '/quarantine', '/bring']
const PLACES = TABS.map((tab) => `/collections/photos${tab}`)
const API = `/api?${new URLSearchParams({ route: 'POST /collections/{collection_name}/points/query' })}`
/** The button that fills a page, and what is there then. */
const FILLED: Record<string, [button: string, then: string]> = {
  query: ['Run', '.plan'],
  recall: ['Measure', 'td'],
  quality: ['Make a report', '.histogram'],
}
/** Where the pictures of the docs are put; none are made without it. */
const PICTURES = process.env.VICINAL_SCREENSHOTS
const KEYS = { VICINAL_API_KEY: 'writer', VICINAL_READ_ONLY_API_KEY: 'reader' }

const stage = setTheStage(KEYS)
let page: Watched

const LOOKS = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ["a phone's width", { viewport: { width: 375, height: 700 } }],
] as const

describe.each(LOOKS)('in %s', (look, options) => {
  it.each(['/', API, ...PLACES])('%s has no barrier and fits', async (place) => {
    page = await stage.open({ ...options, key: 'writer' })
    if (PICTURES) mkdirSync(PICTURES, { recursive: true })
    await page.at(place)
    await page.waitForLoadState('networkidle')
    const [button, then] = FILLED[place.split('/')[3] ?? ''] ?? []
    if (button && then) {
      await page.getByRole('button', { name: button }).click()
      await page.locator(then).first().waitFor({ timeout: 300_000 })
    }
    await expectAccessible(page, `${place} in ${look}`)
    const width = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect(width, 'pixels beyond the window').toBeLessThanOrEqual(0)
    const name = place === API ? 'api' : (place.split('/')[3] ?? place.split('/')[2] ?? '')
    if (PICTURES && look === 'light') {
      const file = `${name === '' ? 'overview' : name === 'photos' ? 'collection' : name}.png`
      await page.screenshot({ path: join(PICTURES, file) })
    }
  })
})

describe('the keyboard alone', () => {
  it('opens a collection, its points, and deletes one', async () => {
    page = await stage.open({ key: 'writer' })
    await page.at('/')
    await page.getByRole('link', { name: 'photos' }).waitFor()
    await tabTo(page, 'photos')
    await page.keyboard.press('Enter')
    await tabTo(page, 'Points')
    await page.keyboard.press('Enter')
    await page.getByRole('article').first().waitFor()
    await tabTo(page, 'Delete …')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await tabTo(page, 'Delete it')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.getByLabel('Point 0', { exact: true }).count()).toBe(0)
  })
})

/** Presses Tab until the focus is on what has this text. */
async function tabTo(of: Watched, text: string): Promise<void> {
  for (let presses = 0; presses < 200; presses++) {
    await of.keyboard.press('Tab')
    if ((await of.evaluate('document.activeElement?.textContent?.trim()')) === text) return
  }
  throw new Error(`the keyboard does not reach ${text}`)
}

describe('keys', () => {
  it('are asked for, kept in the tab, and sent', async () => {
    page = await stage.open()
    await page.goto(`${stage.service.url}/dashboard`)
    await page.getByLabel('Key', { exact: true }).fill('reader')
    await page.getByRole('button', { name: 'Use it' }).click()
    await page.getByRole('link', { name: 'photos' }).waitFor()
    expect(page.url()).not.toContain('reader')
    await page.reload()
    await page.getByRole('link', { name: 'photos' }).waitFor()
    const other = await page.context().newPage()
    await other.goto(`${stage.service.url}/dashboard/`)
    await other.getByRole('dialog').waitFor()
  })

  it('that only read are offered no changes', async () => {
    page = await stage.open({ key: 'reader' })
    await page.at('/collections/photos')
    await page.getByRole('heading', { name: 'Aliases' }).waitFor()
    await expect.poll(() => page.getByLabel('New alias').isVisible(), { timeout: 60_000 }).toBe(false)
    await expect.poll(() => page.getByRole('button', { name: 'Make one' }).count(), { timeout: 60_000 }).toBe(0)
    await page.at('/collections/photos/bring')
    const file = { name: 'rows.ndjson', mimeType: 'text/plain', buffer: Buffer.from('{"id":1,"image":[1]}') }
    await page.locator('input[type=file]').setInputFiles(file)
    await page.getByText('Your key may not write to this collection').waitFor()
    expect(await page.getByRole('button', { name: 'Store the rows' }).count()).toBe(0)
  })
})

describe('payloads of any kind', () => {
  it('are shown as text, cut, and harm nothing', async () => {
    const headers = { 'content-type': 'application/json', 'api-key': 'writer' }
    const put = (path: string, body: object) =>
      fetch(stage.service.url + path, { method: 'PUT', headers, body: JSON.stringify(body) })
    await put('/collections/odd', { vectors: { size: 2, distance: 'Dot' } })
    const script = '<script>document.title = "taken"</script><img src=x onerror="document.title = 1">'
    const payloads = [
      { [script]: script, link: 'javascript:document.title=2', picture: 'data:text/html;base64,AAAA' },
      { text: 'long '.repeat(400_000) },
      Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`field${at}`, at])),
      { deep: JSON.parse(`${'['.repeat(60)}1${']'.repeat(60)}`), remote: 'https://elsewhere.example/a.png' },
    ]
    const points = payloads.map((payload, id) => ({ id, vector: [1, id], payload }))
    expect((await put('/collections/odd/points?wait=true', { points })).status).toBe(200)
    page = await stage.open({ key: 'writer' })
    await page.at('/collections/odd/points')
    await page.getByLabel('Point 3', { exact: true }).waitFor()
    await page.getByText('characters').click()
    await page.getByText('9,988 more fields').click()
    await expect.poll(() => page.getByText('field100', { exact: true }).count()).toBe(1)
    expect(await page.getByRole('link', { name: 'javascript' }).count()).toBe(0)
    expect(await page.title()).toBe('Points of odd · Vicinal')
    await page.at('/collections/odd/query')
    await page.getByRole('button', { name: 'Run' }).click()
    await expect.poll(() => page.locator('.results li').count()).toBeGreaterThan(0)
    expect(await page.title()).toBe('Query of odd · Vicinal')
  })
})
