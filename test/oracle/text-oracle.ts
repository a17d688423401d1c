import type { PayloadIndexKind, PayloadIndexOptions, PayloadIndexParams } from '../../src/core/payload-index.js'

const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u

/** Tokens of a text by regular expressions, without stems and folding: tokens with a position, and additional ones. */
function tokensOf(text: string, params: PayloadIndexParams, isQuery: boolean): { token: string; isExtra: boolean }[] {
  const {
    tokenizer = 'word',
    lowercase = true,
    minTokenLen: least = 0,
    maxTokenLen: most = Infinity,
    stopwords,
  } = params
  const { custom = [] } = typeof stopwords === 'object' ? stopwords : {}
  const words = tokenizer === 'whitespace' ? text.split(/\s+/u) : text.split(/[^\p{Alphabetic}\p{N}\p{M}]+/u)
  const unwanted = (custom ?? []).map((word) => (lowercase ? word.toLowerCase() : word))
  const isWanted = (token: string) => !unwanted.includes(token)
  const isLong = (token: string) => Array.from(token).length >= least && Array.from(token).length <= most
  const plain = words.filter(Boolean).map((word) => (lowercase ? word.toLowerCase() : word))
  const single = (tokens: string[]) => tokens.map((token) => ({ token, isExtra: false }))
  if (tokenizer === 'prefix') {
    const prefixes = plain
      .filter((word) => isQuery || isWanted(word))
      .map((word) => Array.from(word).slice(0, Math.min(most, 64)))
      .filter((letters) => letters.length >= least)
      .flatMap((letters) => {
        const all = letters.map((_, at) => letters.slice(0, at + 1).join('')).slice(Math.max(least, 1) - 1)
        return isQuery ? all.slice(-1) : all
      })
    return single(prefixes)
  }
  if (tokenizer !== 'multilingual') return single(plain.filter(isWanted).filter(isLong))
  const parts = plain.flatMap(
    (word) => word.match(new RegExp(`${UNSPACED.source}+|[^${UNSPACED.source.slice(1)}+`, 'gu')) ?? [],
  )
  return parts
    .flatMap((part) => (UNSPACED.test(part) ? neighbours(Array.from(part), isQuery) : single([part])))
    .filter(({ token }) => isWanted(token) && isLong(token))
}

function neighbours(letters: string[], isQuery: boolean): { token: string; isExtra: boolean }[] {
  const pairs = letters.slice(1).map((letter, at) => ({ token: `${letters[at]}${letter}`, isExtra: false }))
  const isAlone = pairs.length === 0
  const singles = letters.map((token) => ({ token, isExtra: !isAlone }))
  return isQuery && !isAlone ? pairs : [...singles, ...pairs]
}

export function matchesText(
  texts: readonly string[],
  query: string,
  mode: 'all' | 'any' | 'phrase',
  params: PayloadIndexParams,
): boolean {
  const wanted = tokensOf(query, params, true).map(({ token }) => token)
  const found = texts.flatMap((text) => tokensOf(text, params, false))
  const has = (token: string) => found.some((one) => one.token === token)
  if (wanted.length === 0) return false
  if (mode === 'any') return wanted.some(has)
  if (mode === 'all' || wanted.length === 1) return wanted.every(has)
  const row = found.filter(({ isExtra }) => !isExtra).map(({ token }) => token)
  return row.some((_, at) => wanted.every((token, i) => row[at + i] === token))
}

export function textIndexesOf(
  indexes: ReadonlyMap<string, PayloadIndexKind | PayloadIndexOptions>,
): Map<string, PayloadIndexParams> {
  const texts = new Map<string, PayloadIndexParams>()
  for (const [field, schema] of indexes) {
    const options = typeof schema === 'string' ? { type: schema } : schema
    if (options.type === 'text') texts.set(field, options)
  }
  return texts
}
