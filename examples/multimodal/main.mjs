// Emoji with two vectors each, of the picture and of the name: search by a picture, by words, and by both.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { open } from 'vicinal'
import { PICTURE_SIZE, pictureEncoder } from './pictures.mjs'
import { WORDS_SIZE, wordsEncoder } from './words.mjs'

const require = createRequire(import.meta.url)
const OPTIONS = { data: { type: 'string', default: './data' }, limit: { type: 'string', default: '600' } }
const BATCH = 50
const NEAREST = 6

export async function main({ data, limit }) {
  const encodeText = wordsEncoder(join(data, '..', 'words-cache'))
  const db = await open(data)
  try {
    const emoji = await db.ensureCollection('emoji', {
      vectors: {
        picture: { size: PICTURE_SIZE, distance: 'Cosine' },
        words: { size: WORDS_SIZE, distance: 'Cosine' },
      },
    })
    await fill(emoji, encodeText, limit)
    await emoji.waitForIndex()
    const found = {}
    const face = await pointNamed(emoji, 'GRINNING FACE')
    const fire = encodeText('hot fire')
    found.picture = await tell('by picture, like a grinning face', emoji, { query: face.id, using: 'picture' })
    found.words = await tell('by the words "hot fire"', emoji, { query: fire, using: 'words' })
    const prefetch = [
      { query: face.id, using: 'picture', limit: 50 },
      { query: encodeText('sad crying'), using: 'words', limit: 50 },
    ]
    found.both = await tell('like that face, and "sad crying"', emoji, { query: { fusion: 'rrf' }, prefetch })
    console.log('quality of the collection:')
    console.dir(await emoji.quality(), { depth: 3 })
    return { count: await emoji.count(), found, face }
  } finally {
    await db.close()
  }
}

/** Brings in the emoji that are not there yet, in the order of their names' places. */
async function fill(emoji, encodeText, limit) {
  const listed = require('emoji-datasource-apple/emoji.json')
    .filter((one) => one.has_img_apple)
    .sort((a, b) => a.sort_order - b.sort_order)
    .slice(0, limit)
  const from = await emoji.count()
  if (from >= listed.length) return
  const encodePicture = await pictureEncoder()
  const folder = join(dirname(require.resolve('emoji-datasource-apple/emoji.json')), 'img/apple/64')
  for (let start = from; start < listed.length; start += BATCH) {
    const points = listed.slice(start, start + BATCH).map(({ name, short_names, category, image, unified }, at) => {
      const words = encodeText(`${name} ${short_names.join(' ')}`)
      const vector = { picture: encodePicture(join(folder, image)), ...(words ? { words } : {}) }
      const text = String.fromCodePoint(...unified.split('-').map((code) => Number.parseInt(code, 16)))
      return { id: start + at, vector, payload: { emoji: text, name, category } }
    })
    await emoji.upsert(points)
    console.error(`${Math.min(start + BATCH, listed.length)} of ${listed.length}`)
  }
}

async function pointNamed(emoji, name) {
  const [point] = (await emoji.scrollPage({ filter: { must: [{ key: 'name', match: { value: name } }] }, limit: 1 })).points
  return point
}

async function tell(what, emoji, query) {
  const hits = await emoji.query({ ...query, limit: NEAREST })
  console.log(`${what}:\n  ${hits.map(({ payload }) => `${payload.emoji} ${payload.name.toLowerCase()}`).join('\n  ')}`)
  return hits
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { values } = parseArgs({ options: OPTIONS })
  await main({ data: values.data, limit: Number(values.limit) })
}
