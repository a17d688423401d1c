/** The map of a collection: points of one cluster stand together, and can be picked, encircled and seen to come. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectAccessible, setTheStage, type Watched } from './browser.js'

const KEY = 'a key that may write and has 32 bytes or more'
const PICTURES = process.env.VICINAL_SCREENSHOTS
const KINDS = ['harbour', 'forest', 'street', 'portrait', 'mountain', 'kitchen']
const POINTS = 600
const DIMENSIONS = 12
/** A value that the legend cuts. */
const LONG = 'long '.repeat(1_000)
/** The first map of a browser compiles its projection, on a machine that may be busy. */
const WAIT = { timeout: 120_000 }

const stage = setTheStage({ VICINAL_API_KEY: KEY, VICINAL_JWT_RBAC: 'true' })

/** Far from each other by kind; a stretch of a spiral within. */
function vectorOf(id: number): number[] {
  const kind = id % KINDS.length
  return Array.from({ length: DIMENSIONS }, (_, at) => (at === kind ? 20 : 0) + Math.sin(id * (at + 1) * 0.37))
}

async function send(method: string, path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json', 'api-key': KEY }
  const answer = await fetch(stage.service.url + path, { method, headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(await answer.text())
}

const pointOf = (id: number) => ({
  id,
  vector: vectorOf(id),
  payload: { kind: KINDS[id % KINDS.length], year: id, long: LONG },
})

beforeAll(async () => {
  await send('PUT', '/collections/scenes', { vectors: { size: DIMENSIONS, distance: 'Euclid' } })
  await send('PUT', '/collections/scenes/index?wait=true', { field_name: 'kind', field_schema: 'keyword' })
  const points = Array.from({ length: POINTS }, (_, id) => pointOf(id))
  await send('PUT', '/collections/scenes/points?wait=true', { points })
})

async function drawnPage(options: Parameters<typeof stage.open>[0] = {}): Promise<Watched> {
  const page = await stage.open({ key: KEY, ...options })
  await page.at('/collections/scenes/map')
  await page.getByLabel('Colour by').fill('kind')
  await page.getByRole('button', { name: 'Draw the map' }).click()
  await page.getByRole('application', { name: 'Map of scenes' }).waitFor(WAIT)
  await expect.poll(() => page.getByRole('list', { name: 'Colours' }).locator('li').count(), WAIT).toBe(KINDS.length)
  return page
}

const chosen = (page: Watched) => page.getByLabel('Filter of queries')

async function chosenIds(page: Watched): Promise<number[]> {
  if ((await chosen(page).count()) === 0) return []
  const { must } = JSON.parse(await chosen(page).inputValue())
  return must[0].has_id
}

/** Where each label of a cluster stands on the screen. */
function labelsOf(page: Watched): Promise<{ text: string; x: number; y: number }[]> {
  return page.locator('.map text').evaluateAll((all) =>
    all.map((one) => {
      const { left, top, width, height } = (
        one as unknown as { getBoundingClientRect(): { left: number; top: number; width: number; height: number } }
      ).getBoundingClientRect()
      return { text: one.textContent ?? '', x: left + width / 2, y: top + height / 2 }
    }),
  )
}

describe('the map', () => {
  it('has a label for each cluster, and points of one kind around it', async () => {
    const page = await drawnPage()
    await expect
      .poll(async () => (await labelsOf(page)).map(({ text }) => text).sort(), WAIT)
      .toEqual([...KINDS].sort())
    const [label] = await labelsOf(page)
    if (!label) throw new Error('no label')
    await page.getByRole('button', { name: 'Encircle points' }).click()
    const others = (await labelsOf(page)).filter(({ text }) => text !== label.text)
    const radius = Math.min(...others.map(({ x, y }) => Math.hypot(x - label.x, y - label.y))) / 2
    const at = (turn: number) => [label.x + radius * Math.cos(turn), label.y + radius * Math.sin(turn)] as const
    await page.mouse.move(...at(0))
    await page.mouse.down()
    for (let step = 1; step <= 16; step++) await page.mouse.move(...at((step / 16) * 2 * Math.PI))
    await page.mouse.up()
    await chosen(page).waitFor(WAIT)
    const ids = await chosenIds(page)
    expect(ids.length).toBeGreaterThan(POINTS / KINDS.length / 2)
    const own = ids.filter((id) => KINDS[id % KINDS.length] === label.text)
    expect(own.length / ids.length).toBeGreaterThan(0.9)
    if (PICTURES) {
      mkdirSync(PICTURES, { recursive: true })
      await page.screenshot({ path: join(PICTURES, 'map.png'), fullPage: true })
    }
    await page.getByRole('link', { name: 'Show them as cards' }).click()
    await page.getByText(`${ids.length} chosen points`).waitFor(WAIT)
    await expect.poll(() => page.getByText(`${ids.length} points`, { exact: true }).count(), WAIT).toBe(1)
  })

  it('is worked by the keyboard alone', async () => {
    const page = await drawnPage()
    await page.getByRole('application').focus()
    await page.keyboard.press('Enter')
    await page.getByRole('article', { name: /^Point / }).waitFor(WAIT)
    const neighbours = page.getByRole('list', { name: 'Neighbours' }).getByRole('button')
    await expect.poll(() => neighbours.count()).toBeGreaterThan(5)
    const kind = await page
      .getByRole('article')
      .getByText(new RegExp(`^(${KINDS.join('|')})$`))
      .first()
      .textContent()
    await neighbours.first().focus()
    const next = Number.parseInt((await neighbours.first().textContent()) ?? '', 10)
    expect(KINDS[next % KINDS.length]).toBe(kind)
    await page.keyboard.press('Enter')
    await page.getByRole('article', { name: `Point ${next}`, exact: true }).waitFor(WAIT)
    await page.getByRole('application').focus()
    await page.keyboard.press('s')
    await expect.poll(async () => (await chosenIds(page)).length, WAIT).toBe(POINTS)
    for (let step = 0; step < 3; step++) await page.keyboard.press('+')
    await page.keyboard.press('s')
    await expect.poll(async () => (await chosenIds(page)).length, WAIT).toBeLessThan(POINTS)
  })

  it('offers all points, or a sample that the service gives, and cuts long values', async () => {
    const page = await drawnPage()
    expect(await page.getByRole('combobox', { name: 'Points' }).locator('option').allTextContents()).toEqual([
      'all 600',
    ])
    await page.getByLabel('Colour by').fill('long')
    await page.getByLabel('Colour by').press('Tab')
    const legend = page.getByRole('list', { name: 'Colours' }).getByRole('listitem')
    await expect.poll(() => legend.count(), WAIT).toBe(1)
    expect((await legend.textContent())?.length).toBeLessThan(60)
  })

  it('has the points of a filter alone, and says so where the filter changes', async () => {
    const page = await stage.open({ key: KEY })
    await page.at('/collections/scenes/map')
    const values = page.getByRole('list', { name: 'Values of kind' })
    await values.getByRole('button', { name: 'harbour', exact: true }).click()
    const amounts = page.getByRole('combobox', { name: 'Points' }).locator('option')
    await expect.poll(() => amounts.allTextContents(), WAIT).toEqual(['all 100'])
    await page.getByLabel('Colour by').fill('kind')
    await page.getByRole('button', { name: 'Draw the map' }).click()
    await page.getByText('100 points', { exact: true }).waitFor(WAIT)
    const legend = page.getByRole('list', { name: 'Colours' }).getByRole('listitem')
    await expect.poll(() => legend.allTextContents(), WAIT).toEqual([' harbour 100'])
    await page.getByRole('application').press('s')
    await expect.poll(async () => (await chosenIds(page)).length, WAIT).toBe(100)
    expect((await chosenIds(page)).every((id) => KINDS[id % KINDS.length] === 'harbour')).toBe(true)
    await page.getByRole('button', { name: 'Remove kind = harbour' }).click()
    await page.getByText('The filter is another one since the map was drawn').waitFor(WAIT)
    await expect.poll(() => amounts.allTextContents(), WAIT).toEqual(['all 600'])
  })

  it('keeps a key that is being typed, when an answer has the page drawn again', async () => {
    const page = await stage.open({ key: KEY })
    let answer = () => {}
    const isTyped = new Promise<void>((resolve) => {
      answer = resolve
    })
    await page.route('**/access', async (route) => {
      await isTyped
      await route.continue()
    })
    await page.at('/collections/scenes/map')
    await page.getByLabel('Colour by').fill('kind')
    answer()
    await expect.poll(() => page.locator('.caller').textContent(), WAIT).toContain(':')
    expect(await page.getByLabel('Colour by').inputValue()).toBe('kind')
  })

  it('gives all points that are chosen to the cards, more than an address holds', async () => {
    const page = await drawnPage()
    await page.getByRole('application').press('s')
    await expect.poll(async () => (await chosenIds(page)).length, WAIT).toBe(POINTS)
    await page.getByRole('link', { name: 'Show them as cards' }).click()
    await page.getByText(`${POINTS} chosen points`).waitFor(WAIT)
    const harbours = page
      .getByRole('list', { name: 'Values of kind' })
      .getByRole('button', { name: 'harbour', exact: true })
    await harbours.click()
    await page.getByText('100 points', { exact: true }).waitFor(WAIT)
    expect(page.url().length).toBeLessThan(200)
    await page.reload()
    await page.getByText('The tab no longer has the points').waitFor(WAIT)
    await page.getByRole('button', { name: 'Show all' }).click()
    await page.getByText('100 points', { exact: true }).waitFor(WAIT)
  })

  it('lights points that are written while it is shown', async () => {
    const page = await drawnPage()
    await page.getByText(`${POINTS} points`, { exact: true }).waitFor(WAIT)
    await send('PUT', '/collections/scenes/points?wait=true', { points: [{ ...pointOf(7), id: POINTS + 7 }] })
    await page.getByText('1 written since the map was drawn').waitFor(WAIT)
    await send('POST', '/collections/scenes/points/delete?wait=true', { points: [POINTS + 7] })
  })
})

describe.each([
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ["a phone's width", { viewport: { width: 375, height: 700 } }],
] as const)('in %s', (look, options) => {
  it('the map has no barrier and fits', async () => {
    const page = await drawnPage(options)
    await page.getByRole('application').press('Enter')
    await page.getByRole('article').waitFor(WAIT)
    await page.getByRole('application').press('s')
    await expectAccessible(page, `the map in ${look}`)
    const width = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect(width, 'pixels beyond the window').toBeLessThanOrEqual(0)
  })
})

it('a token that may not read the collection gets no neighbours', async () => {
  const claims = { access: [{ collection: 'photos', access: 'r' }] }
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(KEY))
  const path = `${stage.service.url}/collections/scenes/quality/neighbours`
  const headers = { 'content-type': 'application/json', 'api-key': token }
  const answer = await fetch(path, { method: 'POST', headers, body: '{}' })
  expect(answer.status).toBe(403)
  const page = await stage.open({ key: token })
  await page.goto(`${stage.service.url}/dashboard/#/collections/scenes/map`)
  await page.getByRole('alert').waitFor(WAIT)
  expect(await page.getByRole('application').count()).toBe(0)
})
