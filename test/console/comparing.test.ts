/** Two queries beside each other, results that lead to their points, and texts that stay where the page is left. */
import { expect, it } from 'vitest'
import { expectAccessible, setTheStage, type Watched } from './browser.js'

const stage = setTheStage()
let page: Watched

const FIRST = '{"query": 7, "using": "image", "limit": 5}'
const first = () => page.getByLabel('Query: body as JSON', { exact: true })
const second = () => page.getByLabel('Second query: body as JSON')
const idsOf = (column: number) => page.locator(`.columns > :nth-child(${column}) .results li strong`).allTextContents()

it('the second query begins as a copy of the first, and one button runs both', async () => {
  page = await stage.open()
  await page.at('/collections/photos/query')
  await first().fill(FIRST)
  await page.getByText('Two queries beside each other').click()
  expect(await second().inputValue()).toBe(FIRST)
  await second().fill('{"query": 7, "using": "text", "limit": 4}')
  for (let turn = 0; turn < 2; turn++) {
    const asked = Promise.all(
      ['image', 'text'].map((using) =>
        page.waitForResponse((answer) => answer.request().postData()?.includes(`"using": "${using}"`) ?? false),
      ),
    )
    await page.getByRole('button', { name: 'Run both' }).click()
    // The second time the same queries run again.
    await asked
    await expect.poll(async () => (await idsOf(1)).length).toBe(5)
    await expect.poll(async () => (await idsOf(2)).length).toBe(4)
  }
  await page.reload()
  await expect.poll(async () => (await idsOf(2)).length).toBe(4)
  expect(await first().inputValue()).toBe(FIRST)
})

it('a query is compared with exact search by one button', async () => {
  page = await stage.open()
  await page.at('/collections/photos/query')
  await first().fill('{"query": 7, "using": "image", "limit": 5, "params": {"hnsw_ef": 16}}')
  await page.getByRole('button', { name: 'Compare with exact' }).click()
  await expect.poll(async () => (await idsOf(1)).length).toBe(5)
  await expect.poll(async () => (await idsOf(2)).length).toBe(5)
  const params = { hnsw_ef: 16, exact: true }
  expect(JSON.parse(await second().inputValue())).toEqual({ query: 7, using: 'image', limit: 5, params })
  await expectAccessible(page, 'two queries')
})

it('results lead to their points, and have as many digits as tell their scores apart', async () => {
  page = await stage.open()
  await page.at('/collections/photos/query')
  await first().fill(FIRST)
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await expect.poll(async () => (await idsOf(1)).length).toBe(5)
  for (const score of await page.locator('.results .score').allTextContents()) expect(score).toMatch(/^-?\d\.\d{4,}$/)
  const [id = ''] = await idsOf(1)
  await page.locator('.results').getByRole('link', { name: id, exact: true }).click()
  await page.getByLabel(`Point ${id}`, { exact: true }).waitFor()
  await page.getByText('The point with the id ').waitFor()
  expect(await page.getByRole('article').count()).toBe(1)
  await page.reload()
  await page.getByLabel(`Point ${id}`, { exact: true }).waitFor()
})

it('a text that did not run is there again after another tab of the console', async () => {
  page = await stage.open()
  await page.at('/collections/photos/query')
  await first().fill(FIRST)
  await page.getByRole('link', { name: 'Points', exact: true }).click()
  await page.getByRole('article').first().waitFor()
  await page.getByRole('link', { name: 'Query', exact: true }).click()
  expect(await first().inputValue()).toBe(FIRST)
  await page.getByRole('link', { name: 'Recall', exact: true }).click()
  // A link that names a point begins with that point.
  await page.at('/collections/photos/query?id=5&using=text')
  await expect.poll(() => first().inputValue()).toContain('"query": 5')
})
