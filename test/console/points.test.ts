/** Points as cards: they show, filter and change the stored values. */
import { describe, expect, it } from 'vitest'
import { expectAccessible, setTheStage, type Watched } from './browser.js'

const stage = setTheStage()
const BIG = '9007199254740993'
const NEXT = '9007199254740992'
let page: Watched

/** Sends and receives texts: numbers keep their digits. */
async function send(method: string, path: string, body?: string): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(stage.service.url + path, { method, headers, ...(body === undefined ? {} : { body }) })
  return await answer.text()
}

/** Makes a collection of these points. */
async function fill(name: string, points: string, more = ''): Promise<void> {
  await send('PUT', `/collections/${name}`, `{"vectors":{"size":2,"distance":"Dot"}${more}}`)
  expect(await send('PUT', `/collections/${name}/points?wait=true`, `{"points":${points}}`)).toContain('completed')
}

const card = (id: string) => page.getByLabel(`Point ${id}`, { exact: true })

describe('numbers beyond 2^53', () => {
  it('are shown, edited around, filtered by and deleted as they are', async () => {
    const payload = `{"count":${BIG},"deep":{"nanos":1764633600000000001},"note":"old","gone":1,"a.b":2}`
    await fill('big', `[{"id":${NEXT},"vector":[1,0]},{"id":${BIG},"vector":[1,0],"payload":${payload}}]`)
    page = await stage.open()
    await page.at('/collections/big/points')
    await card(BIG).getByRole('button', { name: BIG }).waitFor()
    await card(BIG).getByRole('button', { name: 'Edit' }).click()
    const text = await page.getByRole('textbox', { name: 'Payload' }).inputValue()
    expect(text).toContain(`"count": ${BIG}`)
    // Another client writes meanwhile.
    await send('POST', '/collections/big/points/payload?wait=true', `{"payload":{"late":true},"points":[${BIG}]}`)
    const changed = { note: 'new', more: 3 }
    const kept = text
      .replace('"note": "old"', JSON.stringify(changed).slice(1, -1))
      .replace(/"gone": 1,\s*"a\.b": 2/, '"x": 1')
    await page.getByRole('textbox', { name: 'Payload' }).fill(kept)
    await page.getByRole('button', { name: 'Store it' }).click()
    await expect.poll(() => card(BIG).textContent()).toContain('new')
    const stored = await send('GET', `/collections/big/points/${BIG}`)
    for (const part of [
      `"count":${BIG}`,
      '"nanos":1764633600000000001',
      '"note":"new"',
      '"more":3',
      '"late":true',
      '"x":1',
    ])
      expect(stored).toContain(part)
    for (const part of ['gone', 'a.b']) expect(stored).not.toContain(part)

    await card(BIG).getByRole('button', { name: BIG, exact: true }).click()
    await expect.poll(() => page.getByRole('article').count()).toBe(1)
    await card(BIG).getByRole('button', { name: 'Delete …' }).click()
    await page.getByRole('button', { name: 'Delete it' }).click()
    await expect.poll(() => page.getByRole('article').count()).toBe(0)
    expect(await send('GET', `/collections/big/points/${BIG}`)).toContain('"error"')
    expect(await send('GET', `/collections/big/points/${NEXT}`)).toContain(`"id":${NEXT}`)
  })

  it('stand in answers of the API and in rules as they are', async () => {
    await fill('exact', `[{"id":${BIG},"vector":[1,0]}]`)
    page = await stage.open()
    await page.at(`/api?${new URLSearchParams({ route: 'POST /collections/{collection_name}/points/scroll' })}`)
    await page.getByLabel('collection_name').fill('exact')
    await page.getByLabel('Body as JSON', { exact: true }).fill('{}')
    await page.getByRole('button', { name: 'Send' }).click()
    await expect.poll(() => page.getByLabel('Answer', { exact: true }).textContent()).toContain(`"id": ${BIG}`)

    // A bound is a number, which the service writes with all its digits.
    const rule = '{"check":"payload","key":"n","max":1e18,"action":"reject"}'
    const rules = `{"ingestion":{"rules":[${rule}]}}`
    expect(await send('PATCH', '/collections/exact', rules)).toContain('"result":true')
    await page.at('/collections/exact/quarantine')
    await page.getByRole('button', { name: 'Change the rules …' }).click()
    expect(await page.getByLabel('All rules').inputValue()).toContain('1000000000000000000')
    await page.at('/collections/exact')
    await expect.poll(() => page.getByLabel('Configuration').textContent()).toContain('payload')
  })

  it('lead to their neighbours', async () => {
    await fill('nearby', `[{"id":${NEXT},"vector":[1,0]},{"id":${BIG},"vector":[0,1]},{"id":7,"vector":[0,2]}]`)
    page = await stage.open()
    await page.at('/collections/nearby/points')
    await card(BIG).getByRole('link', { name: 'Neighbours' }).click()
    await expect.poll(() => page.locator('.results li strong').allTextContents()).toEqual(['7', NEXT])
  })
})

describe('a filter', () => {
  it('stands in the address: a reload keeps it, and going back undoes it', async () => {
    page = await stage.open()
    await page.at('/collections/photos/points')
    await page.getByLabel('Values of camera').getByRole('button', { name: 'Leica' }).click()
    await page.getByRole('button', { name: 'Turn round camera = Leica' }).click()
    const kept = page.getByLabel('Filter').getByText('camera ≠ Leica')
    await kept.waitFor()
    await page.reload()
    await kept.waitFor()
    await expect.poll(() => page.getByRole('article').first().textContent()).not.toContain('Leica')
    await page.goBack()
    await page.getByLabel('Filter').getByText('camera = Leica').waitFor()
  })

  it('that the address tells wrongly is passed over', async () => {
    page = await stage.open()
    await page.at(`/collections/photos/points?${new URLSearchParams({ filter: '[{"key":1},null,' })}`)
    await page.getByRole('article').first().waitFor()
  })
})

describe('an id that is typed', () => {
  it('leads to its point, in the address, whatever the filter', async () => {
    page = await stage.open()
    await page.at(`/collections/photos/points?${new URLSearchParams({ filter: '[{"key":"camera","value":"Leica"}]' })}`)
    await page.getByLabel('Go to id').fill('150')
    await page.keyboard.press('Enter')
    await card('150').waitFor()
    await expect.poll(() => page.getByRole('article').count()).toBe(1)
    await page.getByText('The point with the id 150').waitFor()
    await page.reload()
    await card('150').waitFor()
    await page.getByLabel('Go to id').fill('987654321')
    await page.getByRole('button', { name: 'Go', exact: true }).click()
    await page.getByText('No point has the id 987654321').waitFor()
    await expectAccessible(page, 'an id that no point has')
    await page.getByRole('button', { name: 'Show all' }).click()
    await page.getByText('Page 1').waitFor()
    await expect.poll(() => page.getByRole('article').count()).toBe(48)
  })

  it('may be a text, or beyond 2^53', async () => {
    await fill('typed', '[{"id":"12","vector":[1,0]},{"id":"b","vector":[0,1]}]', ',"ids":"text"')
    await fill('typed-big', `[{"id":${BIG},"vector":[1,0]},{"id":${NEXT},"vector":[0,1]}]`)
    page = await stage.open()
    for (const [of, id] of [
      ['typed', '12'],
      ['typed-big', BIG],
    ] as const) {
      await page.at(`/collections/${of}/points`)
      await expect.poll(() => page.getByRole('article').count()).toBe(2)
      await page.getByLabel('Go to id').fill(id)
      await page.keyboard.press('Enter')
      await expect.poll(() => page.getByRole('article').count()).toBe(1)
      await card(id).waitFor()
    }
  })
})

describe('the page', () => {
  it('stands in the address: a reload, going back and a link show the same points', async () => {
    page = await stage.open()
    await page.at('/collections/photos/points')
    const first = page.getByRole('article').first()
    const turn = async (button: string, then: string) => {
      await page.getByRole('button', { name: button }).click()
      await expect.poll(() => first.getByRole('heading').textContent()).toBe(then)
    }
    await turn('Next', '48')
    await turn('Next', '96')
    await page.getByText('Page 3').waitFor()
    await page.reload()
    await expect.poll(() => first.getByRole('heading').textContent()).toBe('96')
    await page.getByText('Page 3').waitFor()
    await turn('Next', '144')
    await turn('Back', '96')
    // The beginning of the page before is not in the address.
    await turn('First page', '0')
    await page.goBack()
    await expect.poll(() => first.getByRole('heading').textContent()).toBe('96')
    const link = page.url()
    await page.at('/')
    await page.goto(link)
    await expect.poll(() => first.getByRole('heading').textContent()).toBe('96')
    // Another filter begins anew.
    await page.getByLabel('Values of camera').getByRole('button', { name: 'Leica' }).click()
    await page.getByText('Page 1').waitFor()
  })
})

describe('a card', () => {
  it('has the text of a text id', async () => {
    await fill('named', '[{"id":"the first","vector":[1,0]},{"id":"the second","vector":[1,0]}]', ',"ids":"text"')
    page = await stage.open()
    await page.at('/collections/named/points')
    await card('the first').getByRole('link', { name: 'Neighbours' }).click()
    await expect.poll(() => page.locator('.results li strong').allTextContents()).toEqual(['the second'])
  })

  it('has dates that people read', async () => {
    page = await stage.open()
    await page.at('/collections/photos/points')
    await card('1').getByRole('button', { name: 'Feb 11, 2026, 10:00:00 AM UTC' }).click()
    await page.getByLabel('Filter').getByText('taken = 2026-02-11T10:00:00Z').waitFor()
  })

  it('of nested lists and objects shows a part, and tells of the rest', async () => {
    const list = (depth: number): unknown => (depth === 0 ? 1 : Array.from({ length: 20 }, () => list(depth - 1)))
    const object = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`key${at}`, at]))
    await fill('nested', JSON.stringify([{ id: 1, vector: [1, 0], payload: { list: list(4), object } }]))
    page = await stage.open()
    await page.at('/collections/nested/points')
    await card('1').getByText('and 10 more fields').waitFor()
    expect(await card('1').getByText('and 10 more', { exact: true }).count()).toBe(20)
    expect(await card('1').getByRole('button').count()).toBeLessThan(300)
  })

  it('has long keys and counted values cut', async () => {
    const long = 'long '.repeat(400_000)
    const schema = '{"field_name":"kind","field_schema":"keyword"}'
    await send('PUT', '/collections/cut', '{"vectors":{"size":2,"distance":"Dot"}}')
    await send('PUT', '/collections/cut/index?wait=true', schema)
    const points = [{ id: 1, vector: [1, 0], payload: { kind: long, [`${long} key`]: 1 } }]
    expect(await send('PUT', '/collections/cut/points?wait=true', JSON.stringify({ points }))).toContain('completed')
    page = await stage.open()
    await page.at('/collections/cut/points')
    await page.getByLabel('Values of kind').waitFor()
    await card('1').waitFor()
    expect(((await page.evaluate('document.body.innerHTML')) as string).length).toBeLessThan(100_000)
  })
})

describe('a page in the background', () => {
  it('has its answers when it is looked at', async () => {
    page = await stage.open()
    await page.addInitScript("Object.defineProperty(document, 'hidden', { get: () => true })")
    await page.at('/collections/photos/points')
    await page.getByRole('article').first().waitFor({ timeout: 20_000 })
  })
})
