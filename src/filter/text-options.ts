import { VicinalError } from '../core/errors.js'
import {
  type PayloadIndexParams,
  SNOWBALL_LANGUAGES,
  type StopwordLanguage,
  TOKENIZERS,
} from '../core/payload-index.js'
import { ByteWriter } from './byte-writer.js'
import { stopwordsOf } from './stopwords.js'

const NO_MAXIMUM = 2 ** 32 - 1

/**
 * Encodes the options by which the kernel splits texts, for its decoder (native/filter/program.cpp). In this order:
 *
 * - u8 tokenizer
 * - u8 flags (1 lower case, 2 ASCII folding)
 * - u8 stemmer (0 none, else its place in SNOWBALL_LANGUAGES)
 * - u32 least and most characters of a token
 * - the stop words
 */
export function encodeTextOptions(params: PayloadIndexParams): Uint8Array {
  const { lowercase = true, asciiFolding = false, stemmer } = params
  const writer = new ByteWriter()
  writer.u8(TOKENIZERS.indexOf(params.tokenizer ?? 'word'))
  writer.u8((lowercase ? 1 : 0) | (asciiFolding ? 2 : 0))
  writer.u8(stemmer?.type === 'snowball' ? SNOWBALL_LANGUAGES.indexOf(stemmer.language) + 1 : 0)
  writer.u32(params.minTokenLen ?? 0)
  writer.u32(params.maxTokenLen ?? NO_MAXIMUM)
  const words = stopwordSet(params.stopwords, lowercase)
  writer.u32(words.size)
  for (const word of words) writer.text(word)
  return writer.finish()
}

function stopwordSet(stopwords: PayloadIndexParams['stopwords'], lowercase: boolean): Set<string> {
  if (stopwords === undefined) return new Set()
  const { languages, custom } = typeof stopwords === 'string' ? { languages: [stopwords], custom: [] } : stopwords
  const words = [...(languages ?? []).flatMap(listOf), ...(custom ?? [])]
  return new Set(lowercase ? words.map((word) => word.toLowerCase()) : words)
}

function listOf(language: StopwordLanguage): readonly string[] {
  const words = stopwordsOf(language)
  if (words) return words
  throw new VicinalError('NOT_IMPLEMENTED', `schema.stopwords: there is no list of ${language} stop words here`, {
    details: { field: 'schema.stopwords' },
  })
}
