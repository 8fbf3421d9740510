/** A file's name for a screen: its place in the walk, and its words. */
export const slug = (at, words) => `${String(at + 1).padStart(2, '0')}-${words.toLowerCase().replace(/[^a-z]+/g, '-')}`;
