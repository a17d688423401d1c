/** The console for everyone: by keyboard, on a phone, in the dark, with any key, over any payload. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectAccessible, setTheStage, type Watched } from './browser.js'

const TABS = ['', '/points', '/query', '/recall', '/quality', '/quarantine', '/bring']
const PLACES = TABS.map((tab) => `/collections/photos${tab}`)
const API = `/api?${new URLSearchParams({ route: 'POST /collections/{collection_name}/points/query' })}`
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

/** Fills a page, and waits until all of it is shown. */
const FILLED: Record<string, () => Promise<unknown>> = {
  overview: async () => {
    if (PICTURES) await someRequests()
    // Latency is drawn once there are reads or writes.
    await page
      .locator('.plot canvas')
      .nth(PICTURES ? 1 : 0)
      .waitFor({ timeout: 30_000 })
    await page.locator('.shares .legend li').first().waitFor()
  },
  query: async () => {
    // So few points leave room for the plan.
    const body = JSON.stringify({ query: 7, using: 'image', limit: 5 }, null, 2)
    await page.getByLabel('Query: body as JSON', { exact: true }).fill(body)
    await press('Run', '.plan')
  },
  recall: () => press('Measure', 'td'),
  quality: () => press('Make a report', '.histogram'),
  bring: async () => {
    const rows = Array.from({ length: 40 }, (_, id) => ({ id, image: [1, id, 3, 4, 5, 6, 7, 8], title: `Photo ${id}` }))
    const buffer = Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n'))
    const file = { name: 'photos.ndjson', mimeType: 'application/x-ndjson', buffer }
    await page.locator('input[type=file]').setInputFiles(file)
    await page.getByLabel('First rows as they will be stored').waitFor()
  },
}

async function press(button: string, then: string): Promise<void> {
  await page.getByRole('button', { name: button }).click()
  await page.locator(then).first().waitFor({ timeout: 300_000 })
}

/** Points of a round: in the end so many that a walk through the graph costs less than a scan. */
const A_ROUND = 300

/** Enough to be drawn over time: some seconds of reads and writes of another collection. */
async function someRequests(): Promise<void> {
  await put('/collections/albums', { vectors: { size: 64, distance: 'Dot' } })
  const headers = { 'content-type': 'application/json', 'api-key': 'writer' }
  const body = JSON.stringify({ query: { sample: 'random' }, limit: 20, with_payload: true })
  for (let round = 0; round < 100; round++) {
    const points = Array.from({ length: A_ROUND }, (_, at) => ({
      id: A_ROUND * round + at,
      // Far from regular, so that recall costs something.
      vector: Array.from({ length: 64 }, (_, component) =>
        Math.sin((component + 1.7) ** 3 * (A_ROUND * round + at + 1.3) ** 2),
      ),
      payload: { title: `Album ${A_ROUND * round + at}`, text: 'sea and sun '.repeat(40) },
    }))
    await put('/collections/albums/points', { points })
    const asked = Array.from({ length: 1 + (round % 12) }, () =>
      fetch(`${stage.service.url}/collections/albums/points/query`, { method: 'POST', headers, body }),
    )
    for (const answer of await Promise.all(asked)) await answer.arrayBuffer()
    await page.waitForTimeout(200)
  }
}

async function statusOfAlbums(): Promise<string> {
  const answer = await fetch(`${stage.service.url}/collections/albums`, { headers: { 'api-key': 'writer' } })
  return ((await answer.json()) as { result: { status: string } }).result.status
}

function put(path: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'api-key': 'writer' }
  return fetch(stage.service.url + path, { method: 'PUT', headers, body: JSON.stringify(body) })
}

/** Of the picture, and of what fills the page. */
function nameOf(place: string): string {
  if (place === '/') return 'overview'
  return place === API ? 'api' : (place.split('/')[3] ?? 'collection')
}

describe.each(LOOKS)('in %s', (look, options) => {
  it.each(['/', API, ...PLACES])('%s has no barrier and fits', async (place) => {
    page = await stage.open({ ...options, key: 'writer' })
    // A collection that is scanned has no curve to be seen.
    const isCurve = PICTURES && look === 'light' && place.endsWith('/recall')
    if (isCurve) await expect.poll(statusOfAlbums).toBe('green')
    await page.at(isCurve ? '/collections/albums/recall' : place)
    await page.waitForLoadState('networkidle')
    await FILLED[nameOf(place)]?.()
    await expectAccessible(page, `${place} in ${look}`)
    const width = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect(width, 'pixels beyond the window').toBeLessThanOrEqual(0)
    if (PICTURES && look === 'light') {
      mkdirSync(PICTURES, { recursive: true })
      await page.screenshot({ path: join(PICTURES, `${nameOf(place)}.png`) })
    }
  })
})

describe('the keyboard alone', () => {
  it('opens a collection, its points, and deletes one', async () => {
    page = await stage.open({ key: 'writer' })
    await page.at('/')
    await listed('photos').waitFor()
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

/** The link of a collection in the table of the overview. The bars of memory lead to it too, once they are there. */
const listed = (name: string) =>
  page.getByRole('region', { name: 'Collections' }).getByRole('link', { name, exact: true })

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
    await listed('photos').waitFor()
    expect(page.url()).not.toContain('reader')
    await page.reload()
    await listed('photos').waitFor()
    const other = await page.context().newPage()
    await other.goto(`${stage.service.url}/dashboard/`)
    await other.getByRole('dialog').waitFor()
  })

  it('that only read are offered no changes', async () => {
    page = await stage.open({ key: 'reader' })
    await page.at('/collections/photos')
    // Until the rights are known, nothing is offered to anyone.
    await page.getByText('read-only key: reads everything').waitFor()
    await page.getByRole('heading', { name: 'Aliases' }).waitFor()
    expect(await page.getByLabel('New alias').isVisible()).toBe(false)
    await page.getByRole('heading', { name: 'Snapshots' }).waitFor()
    expect(await page.getByRole('button', { name: 'Make one' }).count()).toBe(0)
    await page.at('/collections/photos/bring')
    const file = { name: 'rows.ndjson', mimeType: 'text/plain', buffer: Buffer.from('{"id":1,"image":[1]}') }
    await page.locator('input[type=file]').setInputFiles(file)
    await page.getByText('Your key may not write to this collection').waitFor()
    expect(await page.getByRole('button', { name: 'Store the rows' }).count()).toBe(0)
  })
})

describe('payloads of any kind', () => {
  it('are shown as text, cut, and harm nothing', async () => {
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
