// Where the Snowball stemmers are: C that Snowball's compiler generated, in its library libstemmer. A checkout takes it
// from the development package node-snowball. `prebuild` puts a copy beside this file, and the package is built from that.
//
// `node stemmers.mjs` prints the sources, `node stemmers.mjs include` the folder of libstemmer.h; binding.gyp asks for both.
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

const fromHere = (path) => fileURLToPath(new URL(path, import.meta.url))

export const PACKED_LIBSTEMMER = 'libstemmer'
const CHECKED_OUT = '../node_modules/node-snowball/src/libstemmer'
/**
 * Relative to this folder, as all paths of sources are, since gyp splits paths at spaces. The development package comes
 * first, so that no copy of an earlier release is compiled.
 */
export const LIBSTEMMER = existsSync(fromHere(CHECKED_OUT)) ? CHECKED_OUT : PACKED_LIBSTEMMER
export const LIBSTEMMER_INCLUDE = `${LIBSTEMMER}/include`

/** The sources to compile: the stemmers of UTF-8, and the table of their names. */
export const stemmerSources = () => filesEnding('.c').map((file) => `${LIBSTEMMER}/${file}`)

/** The files in the package, relative to libstemmer: these sources, their headers and the licence. */
export const stemmerFiles = () => ['COPYING', 'include/libstemmer.h', ...filesEnding('.h'), ...filesEnding('.c')]

const filesEnding = (ending) =>
  ['libstemmer', 'runtime', 'src_c'].flatMap((folder) =>
    readdirSync(fromHere(`${LIBSTEMMER}/${folder}`))
      .filter((name) => name.endsWith(ending) && (folder === 'runtime' || /_utf_?8/i.test(name)))
      .sort()
      .map((name) => `${folder}/${name}`),
  )

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(process.argv[2] === 'include' ? LIBSTEMMER_INCLUDE : stemmerSources().join(' '))
}
