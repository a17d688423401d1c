/** Queries stand in the address: a reload, going back and a link show the same query. */
import { expect, it } from 'vitest'
import { setTheStage, type Watched } from './browser.js'

const stage = setTheStage()
let page: Watched

const body = () => page.getByLabel('Query: body as JSON', { exact: true })
const results = (of = 'section >> .results >> nth=0') => page.locator(of).locator('li strong').allTextContents()

async function run(text: string, found: number): Promise<string[]> {
  await body().fill(text)
  await page.getByRole('button', { name: 'Run', exact: true }).first().click()
  await expect.poll(async () => (await results()).length).toBe(found)
  return await results()
}

it('a query is run again by a reload, by going back and by a link', async () => {
  page = await stage.open()
  await page.at('/collections/photos/query')
  const first = '{"query": 7, "using": "image", "limit": 3}'
  const threeFound = await run(first, 3)
  const second = '{"query": 9, "using": "text",\n "limit": 4}'
  const fourFound = await run(second, 4)
  await page.reload()
  await expect.poll(() => results()).toEqual(fourFound)
  expect(await body().inputValue()).toBe(second)
  await page.goBack()
  await expect.poll(() => results()).toEqual(threeFound)
  expect(await body().inputValue()).toBe(first)
  const link = page.url()
  page = await stage.open()
  await page.goto(link)
  await expect.poll(() => results()).toEqual(threeFound)
})

it('two queries beside each other stand in the address both', async () => {
  page = await stage.open()
  await page.at('/collections/photos/query')
  await page.getByText('Two queries beside each other').click()
  await page.getByLabel('Second query: body as JSON').fill('{"query": 7, "using": "text", "limit": 5}')
  await page.getByRole('button', { name: 'Run', exact: true }).last().click()
  await expect.poll(async () => (await results()).length).toBe(5)
  await run('{"query": 7, "using": "image", "limit": 2}', 2)
  await page.reload()
  await expect.poll(async () => (await results()).length).toBe(2)
  await expect.poll(async () => (await results('.columns > :nth-child(2) .results')).length).toBe(5)
})

it('a query that is too long for an address is kept by the tab, and the page says so', async () => {
  page = await stage.open()
  await page.at('/collections/photos/query')
  const long = `{"query": 7, "using": "image", "limit": 3, "filter": {"must_not": [{"has_id": [${Array.from(
    { length: 3_000 },
    (_, at) => 100_000 + at,
  )}]}]}}`
  await run(long, 3)
  await page.getByText('This query is too long for an address').waitFor()
  expect(page.url().length).toBeLessThan(1_000)
  const link = page.url()
  await page.reload()
  await expect.poll(async () => (await results()).length).toBe(3)
  expect(await body().inputValue()).toBe(long)
  page = await stage.open()
  await page.goto(link)
  await page.getByText('was kept by the tab that asked it').waitFor()
  expect(await results()).toEqual([])
})
