/** Texts that become sparse vectors by BM25, declared once. */
import Type, { type Static } from 'typebox'
import { LIMITS } from './limits.js'
import { TOKENIZERS, type Tokenizer } from './payload-index.js'
import { flag, type Given, integer, list, number, opaque, optional, text } from './vocabulary/declare.js'
import { isPlain, readAt } from './vocabulary/reader.js'
import { Reading } from './vocabulary/reading.js'

const language = text('A name, such as `english`, or an ISO 639-1 code, such as `en`.')

export const Bm25Options = Type.Object(
  {
    language: optional(text('Language of the stop words and the stemmer; `none`: neither. Default `english`.')),
    tokenizer: optional(Type.Enum(TOKENIZERS, { description: 'How texts are split. Default `word`.' })),
    stopwords: optional(
      Type.Union(
        [
          language,
          Type.Object({
            languages: optional(list(language, { description: 'Languages whose stop words are left out.' })),
            custom: optional(list(text('A word.'), { description: 'Further words.', maxItems: LIMITS.stopwords })),
          }),
        ],
        {
          description: 'Stop words of a language, or of several with further ones. Default: those of `language`.',
          expected: 'a language, or an object { languages, custom }',
          choose: (value: unknown) => (typeof value === 'string' ? 0 : isPlain(value) ? 1 : -1),
        },
      ),
    ),
    stemmer: optional(
      Type.Union(
        [
          Type.Object({ type: Type.Literal('snowball', { description: 'A Snowball stemmer.' }), language }),
          Type.Object({ type: Type.Literal('none', { description: 'No stemmer.' }) }),
        ],
        {
          description: 'Default: the stemmer of `language`.',
          expected: 'a stemmer with a type of snowball, none',
          choose: (value: unknown) => (isPlain(value) ? ['snowball', 'none'].indexOf(value.type as string) : -1),
        },
      ),
    ),
    lowercase: flag('Folds to lower case. Default true.'),
    asciiFolding: flag('Removes accents from Latin letters. Default false.'),
    k: optional(
      number({
        description: 'Saturation of word counts: the higher, the longer further occurrences count more. Default 1.2.',
        minimum: 0,
      }),
    ),
    b: optional(number({ description: 'Normalisation by document length. Default 0.75.', minimum: 0, maximum: 1 })),
    avgLen: optional(
      number({
        description: 'Average number of words in a document. Default 256.',
        holds: (words: number) => words > 0,
        expected: 'a number above 0',
      }),
    ),
    minTokenLen: optional(integer({ description: 'Least characters of a word; others are left out.' })),
    maxTokenLen: optional(integer({ description: 'Most characters of a word; others are left out.' })),
  },
  { $id: 'Bm25Config', description: 'Options of BM25.' },
)
/** Options of BM25. A language is a name (`english`) or an ISO 639-1 code (`en`). */
export type Bm25Options = Given<typeof Bm25Options>
export type Bm25Tokenizer = Tokenizer

/** The text and the model are checked where they are used. */
export const Document = Type.Object(
  {
    text: opaque<string>({ description: 'The text.', type: 'string' }),
    model: opaque<string>({ description: 'The model: `qdrant/bm25`.', type: 'string' }),
    options: optional(Bm25Options),
  },
  { $id: 'Document', description: 'A text that becomes a sparse vector.' },
)
/** A text that becomes a sparse vector. The only model is `qdrant/bm25`. */
export type Document = Omit<Static<typeof Document>, 'options'> & { options?: Bm25Options | null }

/** Options of either spelling, with the library's names. */
export function readBm25Options(options: unknown, field: string, face: 'library' | 'wire'): Static<typeof Bm25Options> {
  return readAt(Bm25Options, options, { parent: null, key: field }, new Reading(face, field))
}
