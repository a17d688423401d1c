/** The overview: which collection takes the memory, at a glance, and without a request for each. */
import { expect, it } from 'vitest'
import { expectAccessible, setTheStage, type Watched } from './browser.js'

const stage = setTheStage()
let page: Watched

const MANY = 40
/** Collections whose parts are asked for. */
const LARGEST = 5

async function put(path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(stage.service.url + path, { method: 'PUT', headers, body: JSON.stringify(body) })
  expect(answer.status, await answer.text()).toBe(200)
}

/** A collection of long texts, and small ones beside it. */
async function fill(): Promise<void> {
  const points = Array.from({ length: 50 }, (_, id) => ({ id, vector: [id, 1], payload: { text: 'x'.repeat(20_000) } }))
  for (const name of ['wordy', ...Array.from({ length: MANY }, (_, at) => `small-${at}`)]) {
    // A test that is tried again finds them.
    await fetch(`${stage.service.url}/collections/${name}`, { method: 'DELETE' })
    await put(`/collections/${name}`, { vectors: { size: 2, distance: 'Dot' } })
    await put(`/collections/${name}/points?wait=true`, {
      points: name === 'wordy' ? points : [{ id: 1, vector: [1, 0] }],
    })
  }
}

it('tells the largest collections in memory with their parts, and asks for a few alone', async () => {
  await fill()
  page = await stage.open()
  const asked = new Set<string>()
  page.on('request', (request) => asked.add(new URL(request.url()).pathname))
  await page.at('/')
  const first = page.locator('.shares > li').first()
  await first.getByRole('link', { name: 'wordy' }).waitFor()
  await expect.poll(() => first.locator('.legend li').first().textContent()).toMatch(/payload [\d.]+ (KiB|MiB)/)
  expect(await page.locator('.shares > li').count()).toBe(LARGEST)
  await page.getByText(/^\d+ others: /).waitFor()
  await page.getByText(/^The process: .* of which collections /).waitFor()
  await expectAccessible(page, 'memory by collection')
  // A look at the metrics would come every two seconds. Small collections change places among the largest as they settle.
  await page.waitForTimeout(5_000)
  const infos = [...asked].filter((path) => path.startsWith('/collections/'))
  expect(infos.length).toBeLessThan(MANY / 2)
  await first.getByRole('link').click()
  await page.getByRole('heading', { name: 'Memory by part' }).waitFor()
})

it('draws its plots once there are two looks', async () => {
  page = await stage.open()
  let looks = 0
  // The second look comes when the page has been seen.
  let goOn = () => {}
  const seen = new Promise<void>((resolve) => {
    goOn = resolve
  })
  await page.route('**/metrics', async (route) => {
    if (looks++ > 0) await seen
    await route.continue()
  })
  await page.at('/')
  await page.getByText('Drawn once there are two figures').first().waitFor()
  expect(await page.locator('.plot canvas').count()).toBe(0)
  goOn()
  await page.locator('.plot canvas').first().waitFor()
  await page.getByRole('img', { name: /^Requests: now .*\. Requests\/s over time$/ }).waitFor()
})

it('tells memory and sizes by the same measure as the page of a collection', async () => {
  page = await stage.open()
  await page.at('/')
  const first = page.locator('.shares > li').first()
  await expect.poll(() => first.locator('.amount').textContent()).toMatch(/iB in memory .* %; size .*iB/)
  await first.getByRole('link').click()
  const table = page.getByRole('region', { name: 'Memory by part' })
  const heads = table.locator('thead th')
  await expect
    .poll(() => heads.allTextContents())
    .toEqual(['Part', 'In memory resident now', 'Share', 'Size all of it, in memory or in files'])
  const held = await table
    .locator('tbody tr')
    .evaluateAll((rows) => rows.map((row) => (row.children[1]?.textContent ?? '').split(' ')))
  const units = ['B', 'KiB', 'MiB', 'GiB']
  const amounts = held.map(([amount = '', unit = '']) => Number(amount.replace(',', '')) * 1024 ** units.indexOf(unit))
  expect(amounts).toEqual(amounts.toSorted((a, b) => b - a))
  await page.getByText('Memory is counted in whole pages').waitFor()
})
