"""The reader of pages: what it did not run, or what failed, is never passed over."""

from __future__ import annotations

import pytest

from tests.support.typing_along import Reader

PAGE = """# A page

```sh
NAME=asha
echo "hello $NAME"
```

```output
hello asha
```

*Not run by our tests: it needs Docker.*

```sh
docker compose up
```

1. In a list:

   ```python
   found = 6 * 7
   ```
"""


@pytest.fixture
def write(tmp_path):
    def page(text):
        path = tmp_path / "page.md"
        path.write_text(text)
        return Reader(str(path), tmp_path, "#!/bin/sh\necho batua $*\n")

    return page


def test_what_is_run_is_what_the_page_says(write):
    with write(PAGE) as page:
        page.run_rest()
        assert [block.line for block in page.ran] == [3, 20]
        assert page.names["found"] == 42
        assert page.type('echo "$NAME"; batua verify') == "asha\nbatua verify\n"


def test_a_block_that_was_not_run_fails_the_page(write):
    with pytest.raises(AssertionError, match=r"not run: .*page\.md:20"), write(PAGE) as page:
        page.run(page.blocks[0])


def test_a_page_that_was_only_opened_fails(write):
    with pytest.raises(AssertionError, match="nothing of it was run"), write(PAGE):
        pass


def test_another_output_fails(write):
    with (
        pytest.raises(AssertionError, match=r"page\.md:3"),
        write(PAGE.replace("hello $NAME", "hi")) as page,
    ):
        page.run_rest()


@pytest.mark.parametrize("wrong", ["false", "no-such-program", "echo $UNSET", "exit 0"])
def test_the_first_command_that_fails_ends_it(write, wrong):
    with (
        pytest.raises(AssertionError, match="ended with"),
        write(f"```sh\n{wrong}\necho went on\n```\n") as page,
    ):
        page.run_rest()
