/** The frame of each page: the key, rights, dialogs, title and focus, and errors of a page. */
import { describe, expect, it } from 'vitest'
import { expectAccessible, setTheStage, type Watched } from './browser.js'

const stage = setTheStage({ VICINAL_API_KEY: 'writer', VICINAL_READ_ONLY_API_KEY: 'reader' })
let page: Watched

/** The text of the element that has the focus; "body" where none has it. */
const focused = () => {
  const at = 'document.activeElement'
  return page.evaluate<string>(`${at} === document.body ? 'body' : ${at}.id || ${at}.textContent.trim()`)
}

describe('the key', () => {
  it('that was not given is asked for again by an action alone, and no poll asks for it', async () => {
    page = await stage.open()
    await page.goto(`${stage.service.url}/dashboard`)
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    const asked: string[] = []
    page.on('response', (answer) => asked.push(answer.url()))
    await expect.poll(() => asked.length, { timeout: 20_000 }).toBeGreaterThan(2)
    expect(await page.getByRole('dialog').count()).toBe(0)
    await page.getByRole('link', { name: 'API' }).click()
    await page.getByRole('dialog').waitFor()
  })

  it('that replaces a withdrawn one leaves the page as it is, and the request is sent again', async () => {
    page = await stage.open({ key: 'writer' })
    await page.at('/collections/photos/query')
    const body = page.getByLabel('Query: body as JSON', { exact: true })
    await body.fill('{"query": 7, "using": "image", "limit": 3}')
    await page.evaluate(`sessionStorage.setItem('vicinal-api-key', 'withdrawn')`)
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByLabel('Key', { exact: true }).fill('writer')
    await page.getByRole('button', { name: 'Use it' }).click()
    await expect.poll(() => page.locator('.results li').count()).toBe(3)
    expect(await body.inputValue()).toBe('{"query": 7, "using": "image", "limit": 3}')
  })

  it('that is changed by hand leaves what was typed, and its rights are shown', async () => {
    page = await stage.open({ key: 'writer' })
    await page.at('/collections/photos')
    await page.getByText('write key: may do everything').waitFor()
    await page.getByRole('button', { name: 'Change …' }).click()
    await page.getByLabel('Fields to change').fill('{"hnsw_config":{"m":20}}')
    await page.getByRole('button', { name: 'Key ✓' }).click()
    await page.getByLabel('Key', { exact: true }).fill('reader')
    await page.getByRole('button', { name: 'Use it' }).click()
    await page.getByText('read-only key: reads everything').waitFor()
    expect(await page.getByLabel('Fields to change').inputValue()).toBe('{"hnsw_config":{"m":20}}')
    await expect.poll(() => page.getByRole('button', { name: 'Make one' }).count()).toBe(0)
    await expectAccessible(page, 'the bar with rights')
  })
})

it('rights that could not be read offer nothing, and are asked for again', async () => {
  page = await stage.open({ key: 'writer' })
  let isBroken = true
  await page.route('**/access', (route) => (isBroken ? route.fulfill({ status: 503, body: '' }) : route.continue()))
  await page.at('/collections/photos')
  await page.getByRole('heading', { name: 'Snapshots' }).waitFor()
  await page.getByText('Rights could not be read').waitFor()
  expect(await page.getByRole('button', { name: 'Make one' }).count()).toBe(0)
  isBroken = false
  await page.getByRole('button', { name: 'Make one' }).waitFor()
})

describe('the focus', () => {
  it('is in a dialog at once, so that the key pressed after the click is the dialog’s', async () => {
    page = await stage.open({ key: 'writer' })
    await page.at('/')
    const isOpenAfterClick = page.getByRole('button', { name: 'Key ✓' }).evaluate((button) => {
      button.click()
      return new Promise((answer) => setTimeout(() => answer(button.ownerDocument.querySelector('dialog')?.open), 0))
    })
    expect(await isOpenAfterClick).toBe(true)
    await page.keyboard.press('Escape')
    await expect.poll(() => page.locator('dialog').count(), { timeout: 10_000 }).toBe(0)
  })

  it('is given back by a dialog that is cancelled, and never lost by one that is done', async () => {
    page = await stage.open({ key: 'writer' })
    await page.at('/collections/photos/points')
    const card = page.getByLabel('Point 9', { exact: true })
    for (const opener of ['Edit', 'Delete …']) {
      await card.getByRole('button', { name: opener }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
      expect(await focused()).toBe(opener)
    }
    await page.getByRole('button', { name: 'Key ✓' }).click()
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    expect(await focused()).toBe('Key ✓')
    await card.getByRole('button', { name: 'Delete …' }).click()
    await page.getByRole('button', { name: 'Delete it' }).click()
    await card.waitFor({ state: 'detached' })
    await expect.poll(focused, { timeout: 10_000 }).toBe('Points of photos')
  })

  it('goes to the heading of another page, which shows no frame, and whose title names it', async () => {
    page = await stage.open({ key: 'writer' })
    await page.at('/collections/photos')
    await expect.poll(() => page.title(), { timeout: 10_000 }).toBe('photos · Vicinal')
    await page.getByRole('link', { name: 'Points' }).click()
    await page.getByRole('article').first().waitFor()
    expect(await page.title()).toBe('Points of photos · Vicinal')
    expect(await focused()).toBe('Points of photos')
    // By a key, after which browsers frame the holder of the focus. The heading of this page comes late, with an answer.
    for (const name of ['Recall', 'Map']) {
      await page.getByRole('link', { name, exact: true }).focus()
      await page.keyboard.press('Enter')
      await expect.poll(focused, { timeout: 10_000 }).toBe(`${name} of photos`)
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('none')
    }
    await page.getByRole('link', { name: 'API' }).click()
    await expect.poll(() => page.title(), { timeout: 10_000 }).toBe('API · Vicinal')
    await page.at('/')
    await expect.poll(() => page.title(), { timeout: 10_000 }).toBe('Overview · Vicinal')
  })
})

it('a page that fails is told with its error, and leads to the overview', async () => {
  page = await stage.open({ key: 'writer' })
  await page.route('**/collections/photos', (route) =>
    route.fulfill({ contentType: 'application/json', body: '{"result":{"status":"green"},"status":"ok","time":0}' }),
  )
  await page.goto(`${stage.service.url}/dashboard/#/collections/photos`)
  await page.getByRole('heading', { name: 'This page failed' }).waitFor()
  expect(await page.getByRole('alert').textContent()).toMatch(/undefined|null/)
  await page.getByRole('link', { name: 'Back to the overview' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
})
