// The memory that a data set takes: the growth of resident memory, from an empty store to the opened index with every
// query answered, in one process.
import { rmSync } from 'node:fs'
import { dataset, readMatrix, workFolder } from '../lib/datasets.mjs'
import { residentBytes } from '../lib/measure.mjs'
import { SYSTEMS } from '../systems/index.mjs'

/** Wide enough that the queries together touch nearly all there is. */
const EF = 256

export async function memory({ system, data, limit, m, efConstruct }) {
  const set = dataset(data, limit)
  const adapter = await SYSTEMS[system]()
  const folder = workFolder(set, system.replace(' ', '-'))
  const matrix = readMatrix(set.queriesFile)
  const ask = async ({ prepareQuery = (query) => query, sweeps: [{ search }] }) => {
    for (let i = 0; i < matrix.count; i++) await search(prepareQuery(matrix.row(i)), EF)
  }

  const empty = `${folder}-empty`
  rmSync(empty, { recursive: true, force: true })
  const store = await adapter.create({ folder: empty, set, capacity: 1, m, efConstruct })
  // A system that answers on an empty store has its code compiled and its heap grown before the first look.
  if (store.sweeps) await ask(store)
  const before = await residentBytes()
  await store.close()
  const opened = await adapter.open({ folder, set, m, efConstruct, efs: [EF], isStarted: true })
  await ask(opened)
  const grown = (await residentBytes()) - before
  await opened.close()
  rmSync(empty, { recursive: true, force: true })
  return { rssGrowth: grown }
}
