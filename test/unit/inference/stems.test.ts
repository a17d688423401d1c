import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SNOWBALL_LANGUAGES } from '../../../src/core/payload-index.js'
import { embedQuery } from '../../../src/inference/bm25.js'
import { murmur3 } from '../../oracle/murmur3.js'

/** Texts, and the tokens that Snowball 2.2.0 made of them when they were recorded. Indexes hold such tokens. */
const RECORDED: Record<string, { text: string; tokens: string }> = JSON.parse(
  readFileSync(new URL('stems.json', import.meta.url), 'utf8'),
)

/** The id of a token in a BM25 vector. */
const tokenId = (token: string) => Math.abs(murmur3(new TextEncoder().encode(token)) | 0)

/** Tokens of the text that are not among those recorded, and recorded ones that are missing, both as ids. */
function differences(ids: Uint32Array, tokens: readonly string[]) {
  const recorded = new Map(tokens.map((token) => [tokenId(token), token]))
  const found = new Set(ids)
  return {
    added: [...found].filter((id) => !recorded.has(id)),
    missing: [...recorded].filter(([id]) => !found.has(id)).map(([, token]) => token),
  }
}

describe('stems', () => {
  it('are recorded of every language', () => {
    expect(Object.keys(RECORDED)).toEqual([...SNOWBALL_LANGUAGES])
  })

  it.each(SNOWBALL_LANGUAGES)('of %s are those recorded', (language) => {
    const { text, tokens } = RECORDED[language] as { text: string; tokens: string }
    const options = { language, stopwords: { custom: [] } }
    const { indices } = embedQuery({ text, model: 'qdrant/bm25', options }, 'query')
    expect(differences(indices, tokens.split(' '))).toEqual({ added: [], missing: [] })
  })
})
