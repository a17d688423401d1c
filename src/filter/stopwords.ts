import * as lists from 'stopword'
import type { StopwordLanguage } from '../core/payload-index.js'

/** NLTK's list, word for word. Qdrant and FastEmbed use it, so that vectors made by them and here are the same. */
const ENGLISH = `i me my myself we our ours ourselves you you're you've you'll you'd your yours yourself yourselves he
him his himself she she's her hers herself it it's its itself they them their theirs themselves what which who whom
this that that'll these those am is are was were be been being have has had having do does did doing a an the and but
if or because as until while of at by for with about against between into through during before after above below to
from up down in out on off over under again further then once here there when where why how all any both each few more
most other some such no nor not only own same so than too very s t can will just don don't should should've now d ll m
o re ve y ain aren aren't couldn couldn't didn didn't doesn doesn't hadn hadn't hasn hasn't haven haven't isn isn't ma
mightn mightn't mustn mustn't needn needn't shan shan't shouldn shouldn't wasn wasn't weren weren't won won't wouldn
wouldn't`

/** null if the package has no list of the language. */
const WORDS: Record<StopwordLanguage, readonly string[] | null> = {
  arabic: lists.ara,
  azerbaijani: null,
  basque: lists.eus,
  bengali: lists.ben,
  catalan: lists.cat,
  chinese: lists.zho,
  danish: lists.dan,
  dutch: lists.nld,
  english: ENGLISH.split(/\s+/u),
  finnish: lists.fin,
  french: lists.fra,
  german: lists.deu,
  greek: lists.ell,
  hebrew: lists.heb,
  hinglish: null,
  hungarian: lists.hun,
  indonesian: lists.ind,
  italian: lists.ita,
  japanese: lists.jpn,
  kazakh: null,
  nepali: null,
  norwegian: lists.nob,
  portuguese: lists.por,
  romanian: lists.ron,
  russian: lists.rus,
  slovene: lists.slv,
  spanish: lists.spa,
  swedish: lists.swe,
  tajik: null,
  turkish: lists.tur,
}

/** Stop words of a language in lower case; null if there is no list. */
export function stopwordsOf(language: StopwordLanguage): readonly string[] | null {
  return WORDS[language]
}
