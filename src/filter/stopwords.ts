import * as lists from 'stopword'
import type { StopwordLanguage } from '../core/payload-index.js'

/** Null where there is no list: the package has none. */
const WORDS: Record<StopwordLanguage, readonly string[] | null> = {
  arabic: lists.ara,
  azerbaijani: null,
  basque: lists.eus,
  bengali: lists.ben,
  catalan: lists.cat,
  chinese: lists.zho,
  danish: lists.dan,
  dutch: lists.nld,
  english: lists.eng,
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

/** Words that say little by themselves, in lower case; null where there is no list of the language. */
export function stopwordsOf(language: StopwordLanguage): readonly string[] | null {
  return WORDS[language]
}
