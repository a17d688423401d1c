/**
 * Points the aliases `a` and `b` together at collection 0, 1, 0, … and prints the number of each acknowledged change,
 * until it is killed.
 *
 *     alias-swapper <folder>
 */
import { open } from '../../../src/index.js'

const database = await open(process.argv[2] ?? '')
for (const name of ['collection-0', 'collection-1']) {
  if (!(await database.hasCollection(name))) {
    await database.createCollection(name, { vectors: { size: 1, distance: 'Dot' } })
  }
}
const earlier = await database.aliases()
await database.updateAliases(earlier.map(({ aliasName }) => ({ deleteAlias: { aliasName } })))
for (let change = 0; ; change++) {
  const collectionName = `collection-${change % 2}`
  const lead = (aliasName: string) => ({ createAlias: { aliasName, collectionName } })
  await database.updateAliases([
    lead('a'),
    lead('b'),
    { deleteAlias: { aliasName: `n-${change - 1}` } },
    lead(`n-${change}`),
  ])
  process.stdout.write(`${change}\n`)
}
