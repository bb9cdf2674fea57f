import pytest

from stripe_shop import shop_with


@pytest.fixture
async def shop():
    async with shop_with() as shop:
        yield shop
