// Programs of a user of the package, as texts: the tests put them into empty projects.

const PROGRAM = `
async function main() {
  const { mkdtemp } = await import('node:fs/promises')
  const db = await open(await mkdtemp('rows-'))
  const rows = await db.createCollection('rows', { vectors: { size: 2, distance: 'Cosine' } })
  await rows.upsert([
    { id: 1, vector: [1, 0], payload: { place: 'Oslo' } },
    { id: 2, vector: [0.9, 0.1], payload: { place: 'Rome' } },
    { id: 3, vector: [0, 1], payload: { place: 'Oslo' } },
  ])
  const hits = await rows.query({
    query: [1, 0],
    filter: { must: [{ key: 'place', match: { value: 'Oslo' } }] },
  })
  console.log(hits.map((hit) => hit.id).join(' '))
  await rows.flush()
  await db.close()
}
main()
`

export const EXPECTED_OUTPUT = '1 3\n'

/** By file name: the ending decides between ES module and CommonJS. */
export const PROGRAMS: Record<string, string> = {
  'use.mjs': `import { open } from 'vicinal'\nimport { connect } from 'vicinal/client'\nif (typeof connect !== 'function') throw 0\n${PROGRAM}`,
  'use.cjs': `const { open } = require('vicinal')\nconst { connect } = require('vicinal/client')\nif (typeof connect !== 'function') throw 0\n${PROGRAM}`,
}

const TYPED = `
interface Photo extends Record<string, unknown> { place: string }
export async function main(): Promise<string[]> {
  const db = await open('./data')
  const photos = await db.createCollection<Photo>('photos', { vectors: { image: { size: 2, distance: 'Dot' } } })
  const hits = await photos.query({ query: new Float32Array(2), using: 'image', limit: 1 })
  // @ts-expect-error: not a distance; fails to compile when the types did not resolve
  await db.createCollection('x', { vectors: { size: 2, distance: 'Near' } })
  const remote = await connect('http://127.0.0.1:6333')
  await remote.close()
  return hits.map((hit) => String(hit.id))
}
`

export const TYPED_PROGRAMS: Record<string, string> = {
  'typed.mts': `import { open } from 'vicinal'\nimport { connect } from 'vicinal/client'\n${TYPED}`,
  'typed.cts': `import { open } from 'vicinal'\nimport { connect } from 'vicinal/client'\n${TYPED}`,
}

export const TSCONFIG = JSON.stringify({
  compilerOptions: {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  },
  files: Object.keys(TYPED_PROGRAMS),
})
