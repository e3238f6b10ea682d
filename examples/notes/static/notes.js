// The form counts what is left to write. Everything works without this file.
for (const output of document.querySelectorAll("output[for]")) {
  const field = document.getElementById(output.htmlFor.value);
  const show = () => { output.value = `${field.maxLength - field.value.length} characters left.`; };
  field.addEventListener("input", show);
  show();
}
