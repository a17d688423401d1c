/** The options of payload indexes, declared once. */
import Type, { type Static, type TObject, type TProperties, type TUnsafe } from 'typebox'
import { LIMITS } from './limits.js'
import { MEMORY_PLACEMENTS } from './memory.js'
import { flag, type Given, integer, list, opaque, optional, text, type Words } from './vocabulary/declare.js'
import { isPlain } from './vocabulary/plain.js'
import { ruleOfShape } from './vocabulary/spelling.js'

export const PAYLOAD_INDEX_KINDS = ['keyword', 'integer', 'float', 'bool', 'datetime', 'uuid', 'geo', 'text'] as const
export type PayloadIndexKind = (typeof PAYLOAD_INDEX_KINDS)[number]

/** A kind with its parameters. */
export type PayloadIndexOptions = { type: PayloadIndexKind } & PayloadIndexParams

export const TOKENIZERS = ['word', 'whitespace', 'prefix', 'multilingual'] as const
export type Tokenizer = (typeof TOKENIZERS)[number]

/** In the order of StemLanguage in native/text/stemmer.hpp, which begins with none. */
export const SNOWBALL_LANGUAGES = [
  'arabic',
  'armenian',
  'danish',
  'dutch',
  'english',
  'finnish',
  'french',
  'german',
  'greek',
  'hungarian',
  'italian',
  'norwegian',
  'portuguese',
  'romanian',
  'russian',
  'spanish',
  'swedish',
  'tamil',
  'turkish',
] as const
export type SnowballLanguage = (typeof SNOWBALL_LANGUAGES)[number]

export const STOPWORD_LANGUAGES = [
  'arabic',
  'azerbaijani',
  'basque',
  'bengali',
  'catalan',
  'chinese',
  'danish',
  'dutch',
  'english',
  'finnish',
  'french',
  'german',
  'greek',
  'hebrew',
  'hinglish',
  'hungarian',
  'indonesian',
  'italian',
  'japanese',
  'kazakh',
  'nepali',
  'norwegian',
  'portuguese',
  'romanian',
  'russian',
  'slovene',
  'spanish',
  'swedish',
  'tajik',
  'turkish',
] as const
export type StopwordLanguage = (typeof STOPWORD_LANGUAGES)[number]

const word = opaque<string>({
  description: 'A word.',
  type: 'string',
  accepts: (value) => typeof value === 'string',
  expected: `a word of at most ${LIMITS.nameLength} characters`,
  holds: (value: string) => value.length <= LIMITS.nameLength && value.isWellFormed(),
})
const StopwordsSet = Type.Object(
  {
    languages: optional(
      list(Type.Enum(STOPWORD_LANGUAGES), {
        description: 'Languages whose stop words are left out.',
        maxItems: STOPWORD_LANGUAGES.length,
      }),
    ),
    custom: optional(list(word, { description: 'Further words.', maxItems: LIMITS.stopwords })),
  },
  { $id: 'StopwordsSet', description: 'Words that are left out.' },
)
/** Words that are left out. */
export type Stopwords = Given<typeof StopwordsSet>

const PARAMS = {
  isTenant: flag('The field divides the collection into tenants. Only strict mode uses it.'),
  isPrincipal: flag('Most filters use the field. No effect.'),
  onDisk: flag('Postings of rows in segment files are in mapped files beside these, not in memory.'),
  memory: optional(Type.Enum(MEMORY_PLACEMENTS, { description: '`cold`: on disk. It overrides `on_disk`.' })),
  enableHnsw: flag('Keywords: values that many queries name may get a graph of their own. Default true.'),
  prefix: flag('Support for `match.prefix`, which every keyword index has here. Strict mode asks for it.'),
  lookup: flag('Support for `match`. Default true. Only strict mode uses it.'),
  range: flag('Support for `range`. Default true. Only strict mode uses it.'),
  tokenizer: optional(Type.Enum(TOKENIZERS, { description: 'How texts are split. Default `word`.' })),
  minTokenLen: optional(integer({ description: 'Least characters of a token.', maximum: LIMITS.tokenLength })),
  maxTokenLen: optional(integer({ description: 'Most characters of a token.', maximum: LIMITS.tokenLength })),
  lowercase: flag('Folds to lower case. Default true.'),
  asciiFolding: flag('Removes accents from Latin letters. Default false.'),
  phraseMatching: flag('Support for `match.phrase`, which every text index has here. No effect.'),
  stopwords: optional(
    Type.Union([Type.Enum(STOPWORD_LANGUAGES), StopwordsSet], {
      description: 'Words that are left out: those of a language, or of several with further ones. Default none.',
      choose: (value: unknown) => (isPlain(value) ? 1 : 0),
    }) as unknown as TUnsafe<StopwordLanguage | Stopwords>,
  ),
  stemmer: optional(
    Type.Union(
      [
        Type.Object({
          type: Type.Literal('snowball', { description: 'A Snowball stemmer.' }),
          language: Type.Enum(SNOWBALL_LANGUAGES, { description: 'Of the stemmer.' }),
        }),
        Type.Object({ type: Type.Literal('none', { description: 'No stemmer.' }) }),
      ],
      {
        description: 'The stemmer; default none.',
        expected: 'a stemmer with a type of snowball, none',
        choose: (value: unknown) => (isPlain(value) ? ['snowball', 'none'].indexOf(value.type as string) : -1),
      },
    ),
  ),
}
/** Parameters of a payload index, kept and returned. Those without an effect say so. */
export type PayloadIndexParams = Static<TObject<typeof PARAMS>>

const { onDisk, memory, enableHnsw, isTenant, isPrincipal, prefix, lookup, range } = PARAMS
const { tokenizer, minTokenLen, maxTokenLen, lowercase, asciiFolding, phraseMatching, stopwords, stemmer } = PARAMS
const COMMON = { onDisk, memory, enableHnsw }
/** Parameters of each kind. */
export const PAYLOAD_INDEX_PARAMS: Readonly<Record<PayloadIndexKind, TProperties>> = {
  keyword: { ...COMMON, isTenant, prefix },
  integer: { ...COMMON, isPrincipal, lookup, range },
  float: { ...COMMON, isPrincipal },
  bool: COMMON,
  datetime: { ...COMMON, isPrincipal },
  uuid: { ...COMMON, isTenant },
  geo: COMMON,
  text: {
    ...COMMON,
    ...{ tokenizer, minTokenLen, maxTokenLen, lowercase, asciiFolding, phraseMatching, stopwords, stemmer },
  },
}
const RULES: Partial<Record<PayloadIndexKind, Pick<Words, 'holds' | 'expected' | 'part' | 'rule'>>> = {
  integer: {
    holds: ({ lookup, range }: PayloadIndexParams) => lookup !== false || range !== false,
    expected: "'lookup' or 'range': the 'lookup' and 'range' capabilities can't be both disabled",
    part: 'lookup',
    rule: ruleOfShape("the 'lookup' and 'range' capabilities can't be both disabled"),
  },
  text: {
    holds: ({ minTokenLen: least, maxTokenLen: most }: PayloadIndexParams) =>
      least === undefined || most === undefined || least <= most,
    expected: 'minTokenLen of at most maxTokenLen',
    rule: 'min_token_len must be at most max_token_len',
  },
}
const CHOICES = `one of ${PAYLOAD_INDEX_KINDS.join(', ')}`

/** A kind, or a kind with its parameters. */
export const PayloadFieldSchema = Type.Union(
  [
    Type.Enum(PAYLOAD_INDEX_KINDS),
    ...PAYLOAD_INDEX_KINDS.map((kind) =>
      Type.Object(
        { type: Type.Literal(kind, { description: 'The kind.' }), ...PAYLOAD_INDEX_PARAMS[kind] },
        {
          $id: `${kind.charAt(0).toUpperCase()}${kind.slice(1)}IndexParams`,
          description: `An index of the kind \`${kind}\`.`,
          ...RULES[kind],
        },
      ),
    ),
  ],
  {
    $id: 'PayloadFieldSchema',
    description: 'The kind of an index, or an object with the kind as its `type`.',
    expected: CHOICES,
    choose: (value: unknown) =>
      typeof value === 'string'
        ? 0
        : isPlain(value) && PAYLOAD_INDEX_KINDS.includes(value.type as PayloadIndexKind)
          ? 1 + PAYLOAD_INDEX_KINDS.indexOf(value.type as PayloadIndexKind)
          : -1,
  },
) as unknown as TUnsafe<PayloadIndexKind | PayloadIndexOptions>

export const PayloadIndexRequest = Type.Object(
  { fieldName: text('A path in the payload, such as `a.b` or `a[].b`.'), fieldSchema: optional(PayloadFieldSchema) },
  {
    $id: 'CreateFieldIndex',
    description: 'An index of a payload field.',
    aliases: { fieldSchema: ['field_type'] },
    lacks: ({ fieldSchema }: { fieldSchema?: unknown }) => (fieldSchema === undefined ? 'fieldSchema' : undefined),
    expected: 'a value',
  },
)
