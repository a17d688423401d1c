import { describe, expect, it } from 'vitest'
import type { AliasAction } from '../../src/core/aliases.js'
import { LIMITS } from '../../src/core/limits.js'
import type { Suite } from './database.contract.js'

const LONG = 'a'.repeat(LIMITS.nameLength + 1)

const REFUSED: [what: string, names: RegExp, action: unknown][] = [
  ['an alias with an empty name', /aliasName.*1 to 255/, { createAlias: { aliasName: '', collectionName: 'x' } }],
  ['an alias with a long name', /aliasName.*255/, { createAlias: { aliasName: LONG, collectionName: 'x' } }],
  ['an alias with a slash', /aliasName/, { createAlias: { aliasName: '../x', collectionName: 'x' } }],
  ['the new name ..', /newAliasName/, { renameAlias: { oldAliasName: 'x', newAliasName: '..' } }],
  ['a deletion of a number', /actions/, { deleteAlias: { aliasName: 7 } }],
  ['an empty action', /actions\[1\].*exactly one/, {}],
  ['an action of another kind', /actions\[1\]/, { replaceAlias: { aliasName: 'x' } }],
]

export function describeAliases(suite: Suite): void {
  let made = 0
  /** Makes two collections that differ by their only point, and names for aliases. */
  const twoCollections = async () => {
    const { database } = suite
    const at = made++
    const names = { old: `aliased-old-${at}`, next: `aliased-next-${at}`, alias: `current-${at}` }
    for (const [id, name] of [names.old, names.next].entries()) {
      const collection = await database.createCollection(name, { vectors: { size: 1, distance: 'Euclid' } })
      await collection.upsert([{ id, vector: [id] }])
    }
    return names
  }
  const lead = (aliasName: string, collectionName: string): AliasAction => ({
    createAlias: { aliasName, collectionName },
  })
  const idsBehind = async (name: string) =>
    (await (await suite.database.collection(name)).scrollPage()).points.map(({ id }) => id)

  describe('aliases', () => {
    it('lead to their collection for every verb, and are listed', async () => {
      const { database } = suite
      const { old, alias } = await twoCollections()
      await database.updateAliases([lead(alias, old), lead(`${alias}-too`, old)])
      const collection = await database.collection(alias)
      expect(collection.name).toBe(old)
      expect(await database.hasCollection(alias)).toBe(true)
      expect(await database.collections()).not.toContain(alias)
      await collection.upsert([{ id: 5, vector: [5] }])
      expect(await idsBehind(old)).toEqual([0, 5])
      expect(await collection.aliases()).toEqual([alias, `${alias}-too`])
      expect(await database.aliases()).toEqual(expect.arrayContaining([{ aliasName: alias, collectionName: old }]))
    })

    it('are swapped atomically: no reader finds an alias missing', async () => {
      const { database } = suite
      const { old, next, alias } = await twoCollections()
      await database.updateAliases([lead(alias, old)])
      let swapping = true
      const reads = (async () => {
        const seen: unknown[] = []
        while (swapping) seen.push(...(await idsBehind(alias)))
        return seen
      })()
      for (const to of [next, old, next]) {
        await database.updateAliases([{ deleteAlias: { aliasName: alias } }, lead(alias, to)])
      }
      swapping = false
      expect([0, 1]).toEqual(expect.arrayContaining(await reads))
      expect(await idsBehind(alias)).toEqual([1])
    })

    it('are renamed, moved by a second creation, and deleted', async () => {
      const { database } = suite
      const { old, next, alias } = await twoCollections()
      await database.updateAliases([lead(alias, old)])
      await database.updateAliases([{ renameAlias: { oldAliasName: alias, newAliasName: `${alias}-b` } }])
      expect(await database.hasCollection(alias)).toBe(false)
      await database.updateAliases([lead(`${alias}-b`, next)])
      expect(await idsBehind(`${alias}-b`)).toEqual([1])
      await database.updateAliases([{ deleteAlias: { aliasName: `${alias}-b` } }])
      await database.updateAliases([{ deleteAlias: { aliasName: `${alias}-b` } }])
      await expect(database.collection(`${alias}-b`)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    it('are deleted with their collection, and deleting an alias keeps the collection', async () => {
      const { database } = suite
      const { old, next, alias } = await twoCollections()
      await database.updateAliases([lead(alias, old), lead(`${alias}-n`, next)])
      expect(await database.deleteCollection(alias)).toBe(false)
      expect(await idsBehind(alias)).toEqual([0])
      expect(await database.deleteCollection(old)).toBe(true)
      expect(await database.hasCollection(alias)).toBe(false)
      expect(await (await database.collection(next)).aliases()).toEqual([`${alias}-n`])
      await database.createCollection(old, { vectors: { size: 1, distance: 'Dot' } })
      expect(await database.hasCollection(alias)).toBe(false)
    })

    it('and collections never have the same name', async () => {
      const { database } = suite
      const { old, next, alias } = await twoCollections()
      await database.updateAliases([lead(alias, old)])
      await expect(database.createCollection(alias, { vectors: { size: 1, distance: 'Dot' } })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('Alias with the same name'),
      })
      await expect(database.updateAliases([lead(next, old)])).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
      const rename = { renameAlias: { oldAliasName: alias, newAliasName: next } }
      await expect(database.updateAliases([rename])).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
      expect(await idsBehind(alias)).toEqual([0])
    })

    it('change all together or not at all', async () => {
      const { database } = suite
      const { old, next, alias } = await twoCollections()
      await database.updateAliases([lead(alias, old)])
      const absent: AliasAction[] = [
        lead(`${alias}-x`, 'nowhere'),
        { renameAlias: { oldAliasName: 'no-alias', newAliasName: 'b' } },
        // An alias cannot have an alias.
        lead(`${alias}-x`, alias),
      ]
      for (const action of absent) {
        await expect(database.updateAliases([lead(alias, next), action])).rejects.toMatchObject({ code: 'NOT_FOUND' })
        expect(await idsBehind(alias)).toEqual([0])
      }
    })

    it.each(REFUSED)('refuse %s', async (_what, names, action) => {
      const { database } = suite
      const { old, alias } = await twoCollections()
      await expect(database.updateAliases([lead(alias, old), action as AliasAction])).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(names),
      })
      expect(await database.hasCollection(alias)).toBe(false)
    })

    it('are bounded in number', async () => {
      const { database } = suite
      const { old, alias } = await twoCollections()
      const many = (count: number) => Array.from({ length: count }, (_, i) => lead(`${alias}-${i}`, old))
      await expect(database.updateAliases(many(LIMITS.aliasActions + 1))).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/actions.*10000/),
      })
      const room = LIMITS.aliases - (await database.aliases()).length
      await database.updateAliases(many(room))
      await expect(database.updateAliases([lead(`${alias}-last`, old)])).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/at most 10000 aliases/),
      })
      await database.deleteCollection(old)
      expect((await database.aliases()).length).toBe(LIMITS.aliases - room)
    })
  })
}
