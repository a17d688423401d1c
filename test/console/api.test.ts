/** The page of the API, and the editor that completes what its description has. */
import { describe, expect, it } from 'vitest'
import { expectAccessible, setTheStage, type Watched } from './browser.js'
import { PHOTOS } from './photos.js'

const stage = setTheStage()
let page: Watched

describe('the API', () => {
  it('is found by path, shows an example, and answers what is sent', async () => {
    page = await stage.open()
    await page.at('/api')
    await page.getByLabel('Path or summary contains').fill('points/count')
    await page.getByRole('link', { name: 'POST /collections/{collection_name}/points/count' }).click()
    await page.getByLabel('collection_name').fill('photos')
    await page.getByLabel('Body as JSON', { exact: true }).fill('{"exact": true}')
    await page.getByRole('button', { name: 'Send' }).click()
    await expect.poll(() => page.getByLabel('Answer', { exact: true }).textContent()).toContain(`"count": ${PHOTOS}`)
    expect(await page.getByLabel('The request as curl').textContent()).toContain("/collections/photos/points/count' \\")
    await expectAccessible(page, 'a route of the API')
  })

  it('tells an error of the service, and asks before it deletes', async () => {
    page = await stage.open()
    await page.at(`/api?route=${encodeURIComponent('DELETE /collections/{collection_name}')}`)
    await page.getByLabel('collection_name').fill('not there')
    await page.getByRole('button', { name: 'Send it …' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    expect(await page.getByLabel('Answer', { exact: true }).count()).toBe(0)
    await page.getByRole('button', { name: 'Send it …' }).click()
    await page.getByLabel('to go on').fill('not there')
    await page.getByRole('dialog').getByRole('button', { name: 'Send it' }).click()
    await expect.poll(() => page.getByText(/^(200|404) in/).count()).toBe(1)
  })

  it('has an example of the body of each route', async () => {
    page = await stage.open()
    await page.at(`/api?route=${encodeURIComponent('PUT /collections/{collection_name}/index')}`)
    const body = page.getByLabel('Body as JSON', { exact: true })
    expect(JSON.parse(await body.inputValue())).toHaveProperty('field_name')
  })
})

describe('the editor', () => {
  it('completes keys, names of the collection and values, by the keyboard alone', async () => {
    page = await stage.open()
    await page.at('/collections/photos/query')
    const editor = page.getByLabel('Query: body as JSON', { exact: true })
    const offers = page.getByLabel('Completions')
    await editor.fill('{"query": 7, "us')
    await offers.getByRole('option', { name: 'using' }).waitFor()
    await expectAccessible(page, 'completions')
    await page.keyboard.press('Enter')
    expect(await editor.inputValue()).toBe('{"query": 7, "using": ')
    await page.keyboard.press('Control+Space')
    await offers.getByRole('option', { name: 'text' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.keyboard.type(', "params": {"qu')
    await page.keyboard.press('Tab')
    await page.keyboard.type('{"resc')
    await page.keyboard.press('Tab')
    await page.keyboard.type('fal')
    await page.keyboard.press('Tab')
    await page.keyboard.type('}}, "filter": {"must": [{"key": "cam')
    await page.keyboard.press('Tab')
    await page.keyboard.type(', "match": {"value": "Leica"}}]}}')
    const text = '{"query": 7, "using": "text", "params": {"quantization": {"rescore": false}}, '
    expect(await editor.inputValue()).toBe(
      `${text}"filter": {"must": [{"key": "camera", "match": {"value": "Leica"}}]}}`,
    )
    await page.keyboard.press('Control+Enter')
    await expect.poll(() => page.locator('.results li').count()).toBe(10)

    // Escape closes the list, and Tab leaves the editor.
    await page.keyboard.press('Control+a')
    await page.keyboard.type('{"li')
    await offers.getByRole('option', { name: 'limit' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Tab')
    expect(await editor.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(false)
  })

  it('tells by place what is no JSON, what the API lacks, and what the service refuses', async () => {
    page = await stage.open()
    await page.at('/collections/photos/query')
    const editor = page.getByLabel('Query: body as JSON', { exact: true })
    await editor.fill('{\n  "query": 7,\n  "limit" 3\n}')
    await page.getByText('line 3, column 11: expected “:”, got 3').waitFor()
    await editor.fill('{\n  "query": 7,\n  "limt": 3\n}')
    await page.getByText('line 3, column 3: there is no field "limt" here').waitFor()
    await editor.fill('{\n  "query": 7,\n  "hnsw_ef": 16\n}')
    await page.getByText('line 3, column 3: there is no field "hnsw_ef" here: it belongs in “params”').waitFor()
    await editor.fill('{\n  "params": {"limit": 3, "rescored": 2}\n}')
    await page.getByText('there is no field "limit" here: it belongs to the outermost object').waitFor()
    await page.getByText('there is no field "rescored" here').waitFor()
    await editor.fill('{\n  "limit": "many"\n}')
    await page.getByText('line 2, column 12: expected integer, got "many"').waitFor()
    await editor.fill('{\n  "query": 7,\n  "using": "none"\n}')
    await page.getByRole('button', { name: 'Run' }).click()
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/^line 3, column 12: .*none/)
  })

  it('tells nothing of the line that is typed, until the cursor leaves it', async () => {
    page = await stage.open()
    await page.at('/collections/photos/query')
    const editor = page.getByLabel('Query: body as JSON', { exact: true })
    const flaws = page.locator('.flaws p')
    await editor.fill('')
    for (const letter of '{\n  "query": 7,\n  "par') {
      await page.keyboard.type(letter)
      expect(await flaws.allTextContents(), letter).toEqual([])
    }
    await page.keyboard.press('Escape')
    await page.keyboard.press('ArrowUp')
    await page.getByText('line 3, column 3: expected a key in quotes, got "par').waitFor()
    await page.keyboard.press('ArrowDown')
    await expect.poll(() => flaws.count()).toBe(0)
    await editor.blur()
    await expect.poll(() => flaws.count()).toBe(1)
  })

  it('offers each key of a query with what it is for', async () => {
    page = await stage.open()
    await page.at('/collections/photos/query')
    await page.getByLabel('Query: body as JSON', { exact: true }).fill('{')
    await page.keyboard.press('Control+Space')
    const option = (name: string) => page.getByRole('option', { name: new RegExp(`^${name} .`) })
    for (const key of ['params', 'explain', 'query', 'filter']) await option(key).waitFor()
    await expectAccessible(page, 'a long list of completions')
    await page.keyboard.type('"params": {')
    await page.keyboard.press('Control+Space')
    for (const key of ['acorn', 'idf', 'quantization', 'hnsw_ef']) await option(key).waitFor()
  })
})
