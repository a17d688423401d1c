/** Destroying actions are asked about first: by name where a thing has one, by number elsewhere. Snapshots bring things back. */
import { describe, expect, it } from 'vitest'
import { setTheStage, type Watched } from './browser.js'
import { PHOTOS } from './photos.js'

const stage = setTheStage()
let page: Watched

async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(stage.service.url + path, { method, headers, body: body ? JSON.stringify(body) : null })
  return ((await answer.json()) as { result: T }).result
}

const count = async () => (await ask<{ count: number }>('POST', '/collections/photos/points/count', {})).count

/** Expects that the dialog goes on once its name is typed, and not before. */
async function typeName(name: string, action: string): Promise<void> {
  const dialog = page.getByRole('dialog')
  const button = dialog.getByRole('button', { name: action })
  expect(await button.isDisabled()).toBe(true)
  await dialog.getByLabel('to go on').fill(name)
  await button.click()
  await dialog.waitFor({ state: 'detached' })
}

describe('a collection', () => {
  it('loses an alias and an index only once their names were typed', async () => {
    page = await stage.open()
    await page.at('/collections/photos')
    await page.getByLabel('New alias').fill('pictures')
    await page.getByRole('button', { name: 'Add it' }).click()
    const remove = page.getByRole('button', { name: 'Remove the alias pictures' })
    await remove.click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    expect(await ask('GET', '/collections/photos/aliases')).toMatchObject({ aliases: [{ alias_name: 'pictures' }] })
    await remove.click()
    await typeName('pictures', 'Remove it')
    await expect.poll(() => remove.count()).toBe(0)
    await page
      .getByRole('row', { name: /^camera/ })
      .getByRole('button', { name: 'Remove …' })
      .click()
    await typeName('camera', 'Remove it')
    await expect.poll(() => page.getByRole('row', { name: /^camera/ }).count()).toBe(0)
  })

  it('is restored from a snapshot of the list, and from the same file after a failure', async () => {
    page = await stage.open()
    await page.at('/collections/photos')
    await page.getByRole('button', { name: 'Make one' }).click()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    const file = await (await download).path()
    await ask('POST', '/collections/photos/points/delete?wait=true', { points: [1, 2, 3] })
    expect(await count()).toBe(PHOTOS - 3)
    await page.getByRole('button', { name: 'Restore …' }).click()
    await typeName('photos', 'Replace them')
    expect(await count()).toBe(PHOTOS)

    await ask('POST', '/collections/photos/points/delete?wait=true', { points: [1, 2, 3] })
    await page.route('**/snapshots/upload**', (route) => route.abort(), { times: 1 })
    const input = page.getByLabel('Restore from a file')
    await input.setInputFiles(file)
    await page.getByLabel('to go on').fill('photos')
    await page.getByRole('button', { name: 'Replace them' }).click()
    await page.getByRole('dialog').getByRole('alert').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await input.setInputFiles(file)
    await typeName('photos', 'Replace them')
    expect(await count()).toBe(PHOTOS)

    const [snapshot] = await ask<{ name: string }[]>('GET', '/collections/photos/snapshots')
    await page.getByRole('button', { name: 'Delete …' }).first().click()
    await typeName(snapshot?.name ?? '', 'Delete it')
    await expect.poll(() => ask('GET', '/collections/photos/snapshots')).toEqual([])
  })
})

describe('the page of the API', () => {
  const open = async (route: string) => {
    page = await stage.open()
    await page.at(`/api?route=${encodeURIComponent(route)}`)
  }
  const body = () => page.getByLabel('Body as JSON', { exact: true })
  const answered = () => page.getByText(/^200 in/).waitFor()

  it('tells how many points a deletion has, before it is sent', async () => {
    await open('POST /collections/{collection_name}/points/delete')
    await page.getByLabel('collection_name').fill('photos')
    const before = await count()
    await body().fill('{"filter": {"must": [{"key": "iso", "match": {"value": 100}}]}}')
    await page.getByRole('button', { name: 'Send it …' }).click()
    await page
      .getByRole('dialog')
      .getByText(`${before / 4} points`)
      .waitFor()
    expect(await count()).toBe(before)
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await body().fill('{"points": [11, 12]}')
    await page.getByRole('button', { name: 'Send it …' }).click()
    await page.getByRole('dialog').getByText('2 points').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Send it' }).click()
    await answered()
  })

  it('asks for the name where a body takes an alias away', async () => {
    await ask('POST', '/collections/aliases', {
      actions: [{ create_alias: { alias_name: 'album', collection_name: 'photos' } }],
    })
    await open('POST /collections/aliases')
    await body().fill('{"actions": [{"delete_alias": {"alias_name": "album"}}]}')
    await page.keyboard.press('Control+Enter')
    await typeName('album', 'Send it')
    await answered()
  })

  it('asks for the name of a collection that a snapshot replaces or that is deleted', async () => {
    await open('PUT /collections/{collection_name}/snapshots/recover')
    await page.getByLabel('collection_name').fill('photos')
    await body().fill('{"location": "file:///nowhere.snapshot"}')
    await page.getByRole('button', { name: 'Send it …' }).click()
    await typeName('photos', 'Send it')
    await page.getByText(/^4\d\d in/).waitFor()
  })

  it('sends nothing by the keyboard while a required parameter is empty', async () => {
    await open('PUT /collections/{collection_name}')
    await body().fill('{"vectors": {}}')
    await page.keyboard.press('Control+Enter')
    const field = page.getByLabel('collection_name')
    await expect.poll(() => field.evaluate((one) => one === one.ownerDocument.activeElement)).toBe(true)
    await field.fill('by-keyboard')
    await body().press('Control+Enter')
    await answered()
    const { collections } = await ask<{ collections: { name: string }[] }>('GET', '/collections')
    expect(collections.map(({ name }) => name)).not.toContain('{collection_name}')
    expect(collections.map(({ name }) => name)).toContain('by-keyboard')
  })

  it('offers a snapshot as a download, of which it shows no bytes', async () => {
    const { name } = await ask<{ name: string }>('POST', '/collections/photos/snapshots')
    await open('GET /collections/{collection_name}/snapshots/{snapshot_name}')
    await page.getByLabel('collection_name').fill('photos')
    await page.getByLabel('snapshot_name').fill(name)
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByRole('button', { name: 'Download the answer' }).click()
    expect((await download).suggestedFilename()).toBe(name)
    expect(await page.getByLabel('Answer', { exact: true }).count()).toBe(0)
  })
})
