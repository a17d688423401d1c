/** The version of Qdrant's API that the service speaks, so that Qdrant's clients do not warn. */
export const API_VERSION = '1.19.0'
export const TITLE = 'vicinal'
export const VERSION_HEADER = 'x-vicinal-version'
/** Our own version; a test holds it equal to package.json. */
export const VERSION = '0.1.0'
