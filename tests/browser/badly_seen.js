// What a person does not see of the tables of a page, or sees torn: a table that is cut off (a matrix scrolls beside its first
// column), and ordinary words that are broken in two.
() => {
  const LONGEST_WORD = 24;
  const found = [];
  for (const box of document.querySelectorAll(".table")) {
    if (!box.querySelector(".matrix") && box.scrollWidth > box.clientWidth + 1) {
      found.push(`the table ${box.getAttribute("aria-labelledby")} is cut off: ${box.scrollWidth} of ${box.clientWidth}`);
    }
  }
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (!text.parentElement.closest("table")) continue;
    for (const word of text.data.matchAll(/[\p{L}\p{N}]+/gu)) {
      if (word[0].length > LONGEST_WORD) continue;
      const range = document.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].filter((part) => part.width > 0).map((part) => Math.round(part.top)));
      if (lines.size > 1) found.push(`the word ${word[0]} is broken`);
    }
  }
  return found;
}
